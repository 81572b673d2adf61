"""Functions that change the paging members of a body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.paging import Members, Paging, member_value

ABSENT = object()
"""Stands for the value of a member that is omitted."""


class SampleSource(Protocol):
    """The schema of a body, and sample bodies with all optional properties or with none; `Samples` is one."""

    contract: Contract
    schema: Schema

    def sample_with_optionals(self, space_id: str = ..., *, optional: bool) -> Any:
        """Return the sample with every optional property, or with none."""


def as_last_page(samples: SampleSource, paging: Paging, body: Any, full: Callable[[], Any] | None = None) -> Any:
    """Return a body whose paging members say that it is the last page, as far as the contract allows that."""
    body = with_member(samples, body, paging.more, [False], full)
    return with_member(samples, body, paging.next, [None, ABSENT, ""], full)


def with_member(
    samples: SampleSource, body: Any, members: Members, values: Sequence[Any], full: Callable[[], Any] | None = None
) -> Any:
    """Return a body with a member set to the first of the values that the contract allows; unchanged if none.

    Missing objects on the path to the member are taken from the body that `full` returns.
    """
    if not members:
        return body

    def sample() -> Any:
        """Return the sample with every optional property."""
        return samples.sample_with_optionals(optional=True)

    for value in values:
        candidate = _with_value_at(body, members, value, full or sample)
        if candidate is not None and accepts(samples.contract, samples.schema, candidate):
            return candidate
    return body


def _with_value_at(body: Any, members: Members, value: Any, full: Callable[[], Any]) -> Any:
    """Return a body with a value at nested members, the outer ones from `full` if missing; None if there too."""
    name, *inner_members = members
    if not inner_members and value is ABSENT:
        return {key: member for key, member in body.items() if key != name}
    if not inner_members:
        return {**body, name: value}

    def full_member() -> Any:
        """Return this member of the full body."""
        return member_value(full(), (name,))

    inner = body.get(name)
    if not isinstance(inner, dict):
        inner = full_member()
    if not isinstance(inner, dict):
        return body if value is ABSENT else None
    changed = _with_value_at(inner, tuple(inner_members), value, full_member)
    return None if changed is None else {**body, name: changed}
