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
    """A named difference, and the verdict that a contract suite owes it.

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
    """A difference that keeps the contract."""
    return Variant(name, "harmless", "pass", rule_hint, service, doubt)


def faulty(kind: Kind, name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """A difference that breaks the contract."""
    return Variant(name, kind, "error", rule_hint, service, doubt)


def dubious(kind: Kind, name: str, rule_hint: str, service: Service, doubt: str = "") -> Variant:
    """A difference that is reported, and fails only where warnings do."""
    return Variant(name, kind, "warning", rule_hint, service, doubt)


def variants(
    kind: Kind, expect: Expect, families: Families, doubts: Mapping[str, str] | None = None
) -> tuple[Variant, ...]:
    """All variants of some families of one kind; `doubts` are by the name."""
    return tuple(
        Variant(name, kind, expect, rule_hint, service, (doubts or {}).get(name, ""))
        for rule_hint, family in families.items()
        for name, service in family.items()
    )
