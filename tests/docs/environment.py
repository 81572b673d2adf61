"""The environment that all pages share: the one that runs these tests, where a page makes and fills its own.

`python3 -m venv` makes one that sees what is installed here, and `pip install` installs nothing: it fails where what
the page asks for is not here. `python -m tests.docs --install` does both for real.
"""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

_PYTHON = """\
#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then exec {stand_ins} venv "$3"; fi
exec {python} "$@"
"""
_PIP = """\
#!/bin/sh
exec {stand_ins} "$@"
"""

_KEPT = ("PATH", "TMPDIR", "SYSTEMROOT")
_REGISTRY = ("PIP_", "UV_")
_WAY = {"https_proxy", "http_proxy", "no_proxy", "ssl_cert_file", "curl_ca_bundle", "requests_ca_bundle"}


def environment(workspace: Path, home: Path) -> dict[str, str]:
    """Return the variables of a page's shell; puts `python`, `python3` and `pip` into `workspace/bin`."""
    programs = workspace / "bin"
    programs.mkdir()
    project = Path(__file__).resolve().parents[2]
    stand_ins = f"env PYTHONPATH='{project}' '{sys.executable}' -m tests.docs.stand_ins"
    for name, text in (("python", _PYTHON), ("python3", _PYTHON), ("pip", _PIP)):
        (programs / name).write_text(text.format(python=f"'{sys.executable}'", stand_ins=stand_ins), "utf-8")
        (programs / name).chmod(0o755)
    kept = real_environment(home)
    return {
        **{name: value for name, value in kept.items() if not name.startswith(_REGISTRY)},
        "PATH": os.pathsep.join([str(programs), sysconfig.get_path("scripts"), kept["PATH"]]),
        # Installed here for the tests of this project, or slow to load and of no use to a page.
        "PYTEST_ADDOPTS": "-p no:randomly -p no:schemathesis -p no:allure_pytest -p no:pytest_jsonreport",
    }


def way_out() -> dict[str, str]:
    """Return the variables by which this process reaches a registry: proxies and certificates."""
    return {name: value for name, value in os.environ.items() if name.lower() in _WAY}


def exports(variables: Mapping[str, str]) -> str:
    """Return the shell command that sets variables, and unsets those without a value."""
    return "; ".join(
        f"export {name}={shlex.quote(value)}" if value else f"unset {name}" for name, value in variables.items()
    )


def real_environment(home: Path) -> dict[str, str]:
    """Return the variables of a newcomer's shell, who has Python and a registry to install from."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_REGISTRY)}
    return {
        "PATH": os.defpath,
        **kept,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "80",
        "TZ": "UTC",
        # What it says of a newer pip comes and goes with pip's releases.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
