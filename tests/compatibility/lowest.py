"""Exits with 1 unless the installed requirements of the package are the lowest that it declares.

`python -m tests.compatibility.lowest`; an installer that keeps what is there already would test newer versions and say
nothing. A higher one counts as the lowest where another requirement of the package asks for it.
"""

from __future__ import annotations

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import Version


def main() -> int:
    """Print each requirement with its version; return 1 unless the lowest ones are installed."""
    declared = [Requirement(text) for text in metadata.requires("pytest-bctrl") or ()]
    requirements = [requirement for requirement in declared if not requirement.marker or requirement.marker.evaluate()]
    wrong = 0
    for requirement in requirements:
        installed = Version(metadata.version(requirement.name))
        right = _lowest_that_fits(requirement, requirements)
        wrong += installed != right
        print(f"{requirement}: {installed} is installed" + ("" if installed == right else f", not {right}"))
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


if __name__ == "__main__":
    sys.exit(main())
