"""The options of a comparison."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.findings.finding import Level

STEPS = 100_000


class Options(NamedTuple):
    """The options of a comparison.

    `levels` overrides the levels of rules. `descriptions` reports changed descriptions as info. With
    `ignores_undefined_schemes`, a requirement of an undefined security scheme cannot be met, instead of being an error
    in the document. `steps` limits the counterexamples and proofs: the number of values that are validated, and the
    number of schemas in all questions for the engine; 0 for none. It is never a time, so that the same documents have
    the same findings on any machine.
    """

    levels: Mapping[str, Level] = MappingProxyType({})
    descriptions: bool = False
    steps: int = STEPS
    ignores_undefined_schemes: bool = False
