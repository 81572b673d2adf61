"""The environment that all pages share: the one that runs these tests.

`pip install` installs nothing in it, and fails where what the page asks for is not here: `python -m
tests.docs.environment install REQUIREMENT…`. A newcomer's pages are followed with an environment of their own.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from tests import UNUSED

_INHERITED = ("PATH", "TMPDIR", "SYSTEMROOT", "HYPOTHESIS_STORAGE_DIRECTORY")
_REGISTRY = ("PIP_", "UV_")
_NETWORK_VARIABLES = {"https_proxy", "http_proxy", "no_proxy", "ssl_cert_file", "curl_ca_bundle", "requests_ca_bundle"}


WITH_SCHEMATHESIS = "<!-- with schemathesis -->"
"""What a page says whose tests need the plugin of Schemathesis, which takes long to load."""


def environment(workspace: Path, home: Path, page: str = "") -> dict[str, str]:
    """Return the shell variables for a page, given its text, and write a substitute of `pip` to `workspace/bin`."""
    unused = UNUSED.replace("-p no:schemathesis", "") if WITH_SCHEMATHESIS in page else UNUSED
    programs = workspace / "bin"
    programs.mkdir()
    pip = programs / "pip"
    stand_in = f"env PYTHONPATH='{Path(__file__).resolve().parents[2]}' '{sys.executable}' -m tests.docs.environment"
    pip.write_text(f'#!/bin/sh\nexec {stand_in} "$@"\n', "utf-8")
    pip.chmod(0o755)
    variables = real_environment(home)
    return {
        **{name: value for name, value in variables.items() if not name.startswith(_REGISTRY)},
        # For Hypothesis alone: on a machine of a CI service it tries the same examples each time, however slowly.
        "CIRRUS_CI": "true",
        "PATH": os.pathsep.join([str(programs), sysconfig.get_path("scripts"), variables["PATH"]]),
        # Installed here for the tests of this project, or slow to load and of no use to a page. The warning is of trio.
        "PYTEST_ADDOPTS": f"-p no:randomly {unused} -W 'ignore:It looks like `register_random`'",
    }


def registry_access() -> dict[str, str]:
    """Return the proxy and certificate variables that this process needs to reach a registry."""
    return {name: value for name, value in os.environ.items() if name.lower() in _NETWORK_VARIABLES}


def exports(variables: Mapping[str, str]) -> str:
    """Return the shell command that sets variables, and unsets those without a value."""
    return "; ".join(
        f"export {name}={shlex.quote(value)}" if value else f"unset {name}" for name, value in variables.items()
    )


def real_environment(home: Path) -> dict[str, str]:
    """Return the variables of a new user's shell, which has Python and a package registry."""
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_REGISTRY)}
    return {
        "PATH": os.defpath,
        **inherited,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "80",
        "TZ": "UTC",
        # What it says of a newer pip comes and goes with pip's releases.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def missing(arguments: list[str]) -> Iterator[str]:
    """Yield each argument of `pip install` that is not installed here, with the reason."""
    requirements = [argument for argument in arguments if not argument.startswith("-")]
    if "-r" in arguments:
        file = requirements.pop(requirements.index(arguments[arguments.index("-r") + 1]))
        requirements += [
            line for line in Path(file).read_text("utf-8").splitlines() if line and not line.startswith("#")
        ]
    for text in requirements:
        is_local = re.fullmatch(r"\.|\.{1,2}/\.?pytest-bctrl|[\w./*-]*\.whl", text)
        requirement = Requirement("pytest-bctrl" if is_local else text)
        try:
            version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement}: not installed here; the dependency group 'test' should name it"


if __name__ == "__main__":
    if sys.argv[1] != "install":
        sys.exit(f"pip {sys.argv[1]}: a page may only install")
    sys.exit("\n".join(missing(sys.argv[2:])) or 0)
