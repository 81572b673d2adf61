"""Bodies of every kind: conforming, changed in a place or two, and of any shape at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import observe
from tests.variants.runtimes import mixed_runtime

CONTRACT = load()
OPERATION = CONTRACT.operations[0]
LABEL = OPERATION.label
_SAMPLE: dict[str, Any] = json.loads(packaged().sample.read_text("utf-8"))


def observation_of(*bodies: Any, contract: Contract = CONTRACT, status: int = 200) -> Observation:
    """Return the observation of bodies with one status."""
    observation = Observation()
    for body in bodies:
        observe(contract, contract.operations[0], status, body, observation)
    return observation


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**400), 10**4000, 1.0, 1e300, 10**309, -0.0, 0.5])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["browser", "active", "ephemeral", "profile", "\ud800", "x" * 200])
    | st.sampled_from(["5b1e0c8e-0000-4000-8000-00000000bc71", "5B1E0C8E-0000-4000-8000-00000000BC71\n", "{5b1e0c8e}"])
)

VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "profile", "available", "x", "a.b", "<t>", "é'\"", "\udcff"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def sample() -> dict[str, Any]:
    """Return a new copy of the contract's sample."""
    return copy.deepcopy(_SAMPLE)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield all paths of a body except its root."""
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def change(body: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value at a location, or remove it for `@remove`; a missing location is ignored."""
    for key in path[:-1]:
        try:
            body = body[key]
        except (KeyError, IndexError, TypeError):
            return
    key = path[-1]
    if value == "@remove" and isinstance(body, dict):
        body.pop(key, None)
    elif isinstance(body, dict) or (isinstance(body, list) and isinstance(key, int) and key < len(body)):
        body[key] = value


_PLACES = [*places(_SAMPLE), ("next",), *(("runtimes", 3, *path) for path in [("tenant",), ("backing", "image")])]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Draw the sample with a few values changed, added or removed."""
    body = sample()
    for path, value in draw(st.lists(st.tuples(st.sampled_from(_PLACES), VALUES | st.just("@remove")), max_size=4)):
        change(body, path, value)
    return body


@st.composite
def conforming(draw: st.DrawFn) -> Any:
    """Draw any number of conforming runtimes, generated independently of the package."""
    return {"runtimes": [mixed_runtime(number) for number in draw(st.lists(st.integers(0, 200), max_size=12))]}


BODIES = conforming() | mutated() | VALUES


def odd(number: int) -> dict[str, Any]:
    """Return a runtime with unusual values wherever the contract allows them."""
    return {
        **mixed_runtime(number),
        f"field-{number}": {f"inner-{number}": [{f"deep-{number}": number}]},
        "status": f"status-{number}",
        "backing": {"kind": f"kind-{number}", f"member-{number}": 1},
        "metadata": {f"key-{number}": number},
    }
