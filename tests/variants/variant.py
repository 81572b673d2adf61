"""One way in which a server of the endpoint may differ from the plain one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .service import Service

Kind = Literal["harmless", "schema", "protocol", "auth", "undocumented", "invariants"]
Expect = Literal["pass", "error", "warning"]
Families = Mapping[str, Mapping[str, Service]]
"""By the rule concerned, then by name."""


@dataclass(frozen=True)
class Variant:
    """A named difference, and the expected verdict of a contract suite.

    `expect` is `pass` (passes under any level), `error` (fails by default) or `warning` (passes by default
    and fails under `--bctrl-fail-on=warning`). `rule_hint` names the rule concerned; `doubt` is set where a
    fair judge might decide otherwise, or where only an unpromised probe shows the fault, and says why.
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
    """Return a difference that conforms to the contract."""
    return Variant(name, "harmless", "pass", rule_hint, service, doubt)


def faulty(kind: Kind, name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """Return a difference that violates the contract."""
    return Variant(name, kind, _owed(name, "error"), rule_hint, service, doubt)


def dubious(kind: Kind, name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """Return a difference that is reported, and fails only where warnings fail."""
    return Variant(name, kind, "warning", rule_hint, service, doubt)


_NAMES = """
    200-on-odd-ids 429-once-in-another-shape 429-once-without-a-body
    unknown-space-200-empty-list unknown-space-200-only-for-uuids unknown-space-302 unknown-space-401
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
OVERLAY_ALONE = frozenset(_NAMES.split())
"""Variants that break nothing that is published: how the page has a request refused, only the overlay says."""


def variants(
    kind: Kind, expect: Expect, families: Families, doubts: Mapping[str, str] | None = None
) -> tuple[Variant, ...]:
    """Return all variants of some families of one kind; `doubts` are by name."""
    return tuple(
        Variant(name, kind, _owed(name, expect), rule_hint, service, (doubts or {}).get(name, ""))
        for rule_hint, family in families.items()
        for name, service in family.items()
    )


def _owed(name: str, expect: Expect) -> Expect:
    return "warning" if name in OVERLAY_ALONE else expect
