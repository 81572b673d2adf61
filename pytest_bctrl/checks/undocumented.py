"""`undocumented_property`: what the API sends and the contract does not say.

No object of the published spec is closed, so such a property is valid; it is drift all the same. Objects that
are free-form by the contract (`additionalProperties`, or no property documented at all) are never searched.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import named
from pytest_bctrl.observed.differences import differences

RULE = "undocumented_property"


def check_undocumented(answer: Answer) -> list[Finding]:
    """Return a warning for every property at every depth that the documented schema does not name."""
    if answer.schema is None or not answer.parsed.ok:
        return []
    found = differences(answer.contract, answer.observed, answer.media_type)
    return [named(replace(one, reproduce=answer.reproduce)) for one in found if one.rule == RULE]
