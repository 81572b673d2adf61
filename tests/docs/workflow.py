"""The shell steps of a CI definition, so that a page's own steps are run and not only its commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.docs.blocks import Block

_SECRET = re.compile(r"\$\{\{ *(?:secrets|vars)\.(\w+) *\}\}")


def steps(block: Block, name: str, values: Mapping[str, str]) -> Iterator[str]:
    """Yield one command for each `run` of a GitHub workflow or `script` line of a GitLab file; for others, none.

    `values` are those of the secrets and variables that the definition asks for. What another action does (`uses`) is
    the platform's; a step under `if` is left out with it.
    """
    if name.startswith(".github/workflows/"):
        for job in yaml.safe_load(block.text)["jobs"].values():
            for step in job["steps"]:
                if "run" in step and "if" not in step:
                    yield _command(step["run"], {**job.get("env", {}), **step.get("env", {})}, values)
    elif name == ".gitlab-ci.yml":
        for job in yaml.safe_load(block.text).values():
            for line in job.get("script", ()) if isinstance(job, dict) else ():
                yield _command(line, {}, values)


def _command(script: str, variables: Mapping[str, Any], values: Mapping[str, str]) -> str:
    """A command that runs one step in a shell of its own, as the platform does."""
    given = [f"{name}={shlex.quote(_filled(str(value), values))}" for name, value in variables.items()]
    return shlex.join(["env"]) + " " + " ".join([*given, "bash", "-e", "-c", shlex.quote(_filled(script, values))])


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _SECRET.sub(lambda found: values[found[1]], text)
