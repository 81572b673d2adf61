"""Ends with 1 unless the installed requirements of the package are the lowest that it declares.

An installer that keeps what is there already would test newer versions and say nothing. A higher one counts as
the lowest where another requirement of the package asks for it.
"""

from __future__ import annotations

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import Version

PACKAGE = "pytest-bctrl"


def main() -> int:
    """Print each requirement with the version that is installed, and those that are not the lowest as wrong."""
    declared = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    optional = [requirement for requirement in declared if requirement.marker is not None]
    extras = ["contract"] if any(_installed(requirement.name) for requirement in optional) else [""]
    used = [one for one in declared if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in extras)]
    wrong = 0
    for requirement in used:
        found, lowest = _installed(requirement.name), _lowest_that_fits(requirement, used)
        is_lowest = found is not None and found == lowest
        wrong += not is_lowest
        print(f"{requirement}: {found} is installed" + ("" if is_lowest else f", not the lowest, {lowest}"))
    return 1 if wrong or not used else 0


def _lowest_that_fits(requirement: Requirement, used: list[Requirement]) -> Version:
    """The highest of the lower bounds that the package and what it requires set."""
    asked = [requirement]
    for other in used:
        needs = map(Requirement, metadata.requires(other.name) or ())
        asked += [need for need in needs if need.name == requirement.name and need.marker is None]
    return max(Version(one.version) for need in asked for one in need.specifier if one.operator == ">=")


def _installed(name: str) -> Version | None:
    try:
        return Version(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
