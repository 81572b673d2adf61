"""Exits with 1 unless the installed requirements of the package are the lowest that it declares.

`python -m tests.compatibility.lowest [EXTRA …]`; of other extras nothing may be there. An installer that keeps what is
there already would test newer versions and say nothing. A higher one counts as the lowest where another requirement
of the package asks for it.
"""

from __future__ import annotations

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import Version

PACKAGE = "pytest-bctrl"


def main(extras: list[str]) -> int:
    """Print each requirement with its version; return 1 unless the lowest ones of these extras, and no others exist."""
    declared = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    extras = extras or [""]
    requirements = [
        declared_requirement
        for declared_requirement in declared
        if declared_requirement.marker is None
        or any(declared_requirement.marker.evaluate({"extra": e}) for e in extras)
    ]
    wrong = 0
    for requirement in declared:
        installed = _installed(requirement.name)
        right = _lowest_that_fits(requirement, requirements) if requirement in requirements else None
        wrong += installed != right
        print(
            f"{requirement}: {installed or 'nothing'} is installed" + ("" if installed == right else f", not {right}")
        )
    return 1 if wrong or not requirements else 0


def _lowest_that_fits(requirement: Requirement, requirements: list[Requirement]) -> Version:
    """Return the highest lower bound that the package and its other requirements set for a requirement."""
    bounds = [requirement]
    for related in requirements:
        needs = map(Requirement, metadata.requires(related.name) or ())
        bounds += [need for need in needs if need.name == requirement.name and need.marker is None]
    return max(
        Version(specifier.version) for need in bounds for specifier in need.specifier if specifier.operator == ">="
    )


def _installed(name: str) -> Version | None:
    """Return the installed version of a distribution; None if it is not installed."""
    try:
        return Version(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
