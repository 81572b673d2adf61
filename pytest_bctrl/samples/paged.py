"""What a body says of the pages that its list is one of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.paging import Members, Paging, member_value

ABSENT = object()
"""Stands for the value of a member that is left out."""


class SampleSource(Protocol):
    """The schema of a body, and bodies with every optional property or with none, as `Samples` builds them."""

    contract: Contract
    schema: Schema

    def outlined(self, space_id: str = ..., *, optional: bool) -> Any:
        """Return the sample with every optional property, or with none."""


def ended(samples: SampleSource, paging: Paging, body: Any, full: Callable[[], Any] | None = None) -> Any:
    """Return a body that says that no page comes after it."""
    body = with_member(samples, body, paging.more, [False], full)
    return with_member(samples, body, paging.next, [None, ABSENT, ""], full)


def with_member(
    samples: SampleSource, body: Any, members: Members, values: Sequence[Any], full: Callable[[], Any] | None = None
) -> Any:
    """Return a body with the first of some values that the contract allows at a member; as it was where it has none.

    An object on the way there that the body has not is taken from that which `full` makes, a body with everything.
    """
    for value in values if members else ():
        made = _put(body, members, value, full or (lambda: samples.outlined(optional=True)))
        if accepts(samples.contract, samples.schema, made):
            return made
    return body


def _put(body: Any, members: Members, value: Any, full: Callable[[], Any]) -> Any:
    name, *rest = members
    if not rest:
        kept = {key: one for key, one in body.items() if key != name}
        return kept if value is ABSENT else {**body, name: value}

    def beyond() -> Any:
        return member_value(full(), (name,))

    inner = body[name] if isinstance(body.get(name), dict) else beyond()
    if not isinstance(inner, dict):
        return body if value is ABSENT else {}
    return {**body, name: _put(inner, tuple(rest), value, beyond)}
