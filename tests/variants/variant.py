"""A variant: a named way in which a server of the endpoint differs from the plain one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .service import Service

Kind = Literal["harmless", "schema", "protocol", "auth", "undocumented", "invariants"]
Expect = Literal["pass", "error", "warning", "info"]
Families = Mapping[str, Mapping[str, Service]]
"""By the rule concerned, then by name."""


@dataclass(frozen=True)
class Variant:
    """A named difference, and the expected verdict of a contract suite.

    `expect` is `pass` (passes under any level), or the highest level of `--bctrl-fail-on` with which the run
    fails: `error` (the default), `warning` or `info`. `rule_hint` names the rule concerned; `doubt` is set if a
    fair reviewer might expect another verdict, or only an unpromised probe shows the fault, and says why.
    """

    name: str
    kind: Kind
    expect: Expect
    rule_hint: str
    service: Service
    doubt: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def harmless(name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """Return a variant that conforms to the contract: the suite passes."""
    return Variant(name, "harmless", "pass", rule_hint, service, doubt)


def faulty(kind: Kind, name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """Return a variant that violates the contract: the suite fails, unless it violates only the overlay."""
    return Variant(name, kind, _owed(name, "error"), rule_hint, service, doubt)


def dubious(kind: Kind, name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """Return a variant that is reported as a warning: the suite fails only with `--bctrl-fail-on=warning`."""
    return Variant(name, kind, "warning", rule_hint, service, doubt)


_NAMES = """
    429-once-in-another-shape 429-once-without-a-body unknown-space-302 unknown-space-401 html-on-odd-ids 422-on-odd-ids
    error-404-empty error-404-empty-without-content-type
    error-shape-message-only error-shape-detail-only error-shape-problem-details error-shape-list-of-errors
    error-shape-empty-object error-shape-list error-shape-null error-shape-string error-shape-error-null
    error-shape-error-empty-object error-shape-error-true error-shape-flat-without-error
    error-shape-flat-without-code error-shape-flat-without-requestId error-shape-flat-code-number
    error-shape-nested-without-code error-shape-nested-without-message error-shape-nested-without-reasonClass
    error-shape-nested-without-requestId error-shape-nested-message-null error-shape-nested-in-data
    refusal-400 refusal-404 refusal-407 refusal-empty refusal-empty-without-content-type refusal-other-shape
    refusal-login-page refusal-redirect-to-another-host
"""
_REJECTIONS = frozenset(_NAMES.split())
"""Variants that differ from the overlay in a rejection, which the published page does not document."""

_ACCEPTED = frozenset({"200-on-odd-ids", "unknown-space-200-empty-list", "unknown-space-200-only-for-uuids"})
"""Variants that violate only the overlay and send a 200 where it documents a rejection."""

OVERLAY_ALONE = _REJECTIONS | _ACCEPTED
"""Variants that violate only the overlay."""


def variants(
    kind: Kind, expect: Expect, families: Families, doubts: Mapping[str, str] | None = None
) -> tuple[Variant, ...]:
    """Return the variants of some families, all of one kind; `expect` is not for those of `OVERLAY_ALONE`."""
    return tuple(
        Variant(name, kind, _owed(name, expect), rule_hint, service, (doubts or {}).get(name, ""))
        for rule_hint, family in families.items()
        for name, service in family.items()
    )


def _owed(name: str, expect: Expect) -> Expect:
    """Return `info` or `warning` for a variant that violates only the overlay, and `expect` for any other."""
    if name in _REJECTIONS:
        return "info"
    return "warning" if name in _ACCEPTED else expect
