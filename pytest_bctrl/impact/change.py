"""A change of the contract, and how it transforms the responses of the mock and of recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal, TypeAlias

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.schema.locations import Path, select_values, split_location
from pytest_bctrl.contract.schema.shapes import with_changed_value
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.samples.text import encode

Kind: TypeAlias = Literal["drift", "together", "break", "extreme"]
"""A finding of the drift gate; all of them at once; a violation of the contract; an unusual but valid response."""


@dataclass(frozen=True, slots=True)
class ResponseContext:
    """A response of the mock or a recording before a change: request, operation (if any), path values, response."""

    request: Request
    operation: Operation | None
    path_values: Mapping[str, str]
    response: MockResponse

    @property
    def operation_shape(self) -> str:
        """The operation's label without the names of its path parameters; empty if no operation matches."""
        if self.operation is None:
            return ""
        return shape(self.operation.label)


ResponseTransform: TypeAlias = Callable[[ResponseContext], MockResponse]
"""Returns the response with a change applied, or the same object if the change does not affect it."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One change of the contract: the finding that describes it, and how it transforms responses.

    Without a `transform` the change is not run, and `not_run_reason` says why. `locations` are the locations of a body
    that it affects; they are empty if it affects the whole response. `request_shapes` are the operations whose requests
    the change affects: a test that sends one and is not rejected passes. `control` puts another value that the contract
    allows into the same locations: a test that fails with it too compares with its own data.
    """

    finding: Finding
    kind: Kind
    transform: ResponseTransform | None = None
    not_run_reason: str = ""
    locations: tuple[str, ...] = ()
    request_shapes: tuple[str, ...] = ()
    control: ResponseTransform | None = None

    @property
    def key(self) -> str:
        """The fingerprint that identifies the change, the same in every process and run."""
        return self.finding.fingerprint


def is_about_credentials(finding: Finding) -> bool:
    """Return whether a finding is about the credentials of requests."""
    return finding.rule.startswith(("api-security", "api-global-security"))


def combine(transforms: Sequence[ResponseTransform]) -> ResponseTransform:
    """Return a transform that applies several transforms, each to the result of the one before."""

    def apply_all(context: ResponseContext) -> MockResponse:
        """Return the response after all transforms, in their order."""
        for transform in transforms:
            context = replace(context, response=transform(context))
        return context.response

    return apply_all


BodyTransform: TypeAlias = Callable[[Any], Any]
"""Takes a body as JSON data and returns a changed copy, or the same object if the change does not affect it."""


def transform_bodies(transform: BodyTransform, applies_to: Callable[[ResponseContext], bool]) -> ResponseTransform:
    """Return a transform of the JSON bodies of responses for which `applies_to` is true; results are cached by body."""

    @lru_cache(maxsize=8)
    def changed_payload(body: bytes) -> Payload | None:
        """Return the transformed body; None if it is not JSON, or if the transform does not change it."""
        try:
            data = json.loads(body)
        except ValueError:
            return None
        changed_data = transform(data)
        if changed_data is data:
            return None
        return Payload(encode(changed_data))

    def apply(context: ResponseContext) -> MockResponse:
        """Return the response with its body transformed, if the transform applies to it."""
        body = context.response.body
        if not body or not applies_to(context):
            return context.response
        payload = changed_payload(body)
        if payload is None or payload.body == body:
            return context.response
        return replace(context.response, payload=payload)

    return apply


REMOVED: Any = object()
"""Stands for the absence of a value."""


def set_value(
    body: Any,
    location: str,
    value: Any,
    *,
    once: bool = False,
    preferred: Sequence[Any] = (),
    is_kept: Callable[[Path, Any], bool] = lambda _path, _value: False,
) -> Any:
    """Return `body` with `value` at the paths that `changed_paths` returns; `REMOVED` removes the values there.

    Returns the same object if nothing matches.
    """
    paths = changed_paths(body, location, value, once=once, preferred=preferred, is_kept=is_kept)
    return set_at_paths(body, dict.fromkeys(paths, value))


def changed_paths(
    body: Any,
    location: str,
    value: Any,
    *,
    once: bool = False,
    preferred: Sequence[Any] = (),
    is_kept: Callable[[Path, Any], bool] = lambda _path, _value: False,
) -> list[Path]:
    """Return the paths of a location at which a change puts `value`: preferred values, or those not kept.

    With `once`, only the first path is returned. If some of the current values are in `preferred`, only their paths
    are. Values for which `is_kept` returns true stay. A missing member is added to every object that could have it.
    """
    parent, step = split_location(location)
    if step is None:
        return [] if value is REMOVED else [()]
    current = list(select_values(body, location))
    paths = [path for path, old in current if old in preferred]
    if not paths:
        paths = [path for path, old in current if not is_kept(path, old)]
    if not current and step.kind == "member" and value is not REMOVED:
        paths = [(*path, step.text) for path, outer in select_values(body, parent) if isinstance(outer, dict)]
    if once:
        paths = paths[:1]
    return paths


def set_at_paths(body: Any, values: Mapping[Path, Any]) -> Any:
    """Return `body` with values (or `REMOVED`) at paths; the same object if there are none."""
    # From the end, so that removing an item does not shift the paths of the others.
    for path in reversed(list(values)):
        if not path:
            return values[path]
        body = with_changed_value(body, path[:-1], partial(_with_member, key=path[-1], value=values[path]))
    return body


def _with_member(container: Any, *, key: str | int, value: Any) -> Any:
    """Return a copy of a container with a value under a key; `REMOVED` removes the key."""
    copy = container.copy()
    if value is REMOVED:
        del copy[key]
    else:
        copy[key] = value
    return copy
