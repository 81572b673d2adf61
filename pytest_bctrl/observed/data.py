"""An observation as plain JSON data: for the workers of pytest-xdist, and for files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.observed.facts import Facts, Observation, Place
from pytest_bctrl.observed.location import steps

VERSION = 1


def as_data(observation: Observation) -> dict[str, Any]:
    """Return what `from_data` reads: lists, dicts, texts and numbers alone."""
    return {
        "version": VERSION,
        "statuses": [[*key, count] for key, count in observation.statuses.items()],
        "parameters": [[*key, count] for key, count in observation.parameters.items()],
        "places": [[*place, _facts(facts)] for place, facts in observation.places.items()],
        "unknown": [
            [*parent, sorted(member.location for member in members)] for parent, members in observation.unknown.items()
        ],
        "untold": [[*place, count] for place, count in observation.untold.items()],
    }


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "seen": facts.seen,
        "of": facts.of,
        "types": dict(facts.types),
        "values": dict(facts.values),
        "others": facts.others,
        "formats": dict(facts.formats),
        "empty": facts.empty,
        "samples": dict(facts.samples),
    }


def from_data(data: Mapping[str, Any]) -> Observation:
    """Return the observation that `as_data` wrote; raises `DocumentError` for anything else."""
    try:
        if data["version"] != VERSION:
            raise ValueError
        return Observation(
            places={_place(*place): _read(facts) for *place, facts in data["places"]},
            statuses=Counter({(str(label), _code(code)): int(count) for label, code, count in data["statuses"]}),
            parameters=Counter({(str(label), str(name)): int(count) for label, name, count in data["parameters"]}),
            unknown={
                _place(label, code, at): {_place(label, code, member) for member in members}
                for label, code, at, members in data["unknown"]
            },
            untold=Counter({_place(*place): int(count) for *place, count in data["untold"]}),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DocumentError(
            "it is not an observation of this version", where="observation", mend="observe the traffic again"
        ) from None


def _place(label: str, code: str, location: str) -> Place:
    """A place whose location can be read; raises `ValueError` for any other."""
    list(steps(location))
    return Place(str(label), _code(code), location)


def _code(code: str) -> str:
    if not code.isdecimal():
        raise ValueError(code)
    return code


def _read(data: Mapping[str, Any]) -> Facts:
    for text in data["values"]:
        json.loads(text)
    return Facts(
        seen=int(data["seen"]),
        of=int(data["of"]),
        types=_counter(data["types"]),
        values=_counter(data["values"]),
        others=int(data["others"]),
        formats=_counter(data["formats"]),
        empty=int(data["empty"]),
        samples={of: _sample(of, sample) for of, sample in data["samples"].items()},
    )


def _counter(data: Mapping[str, Any]) -> Counter[str]:
    return Counter({name: int(count) for name, count in data.items()})


def _sample(of: str, sample: Mapping[str, Any]) -> dict[str, Any]:
    if of == "object" and not isinstance(sample["value"], dict):
        raise ValueError(of)
    return {"location": str(sample["location"]), "value": sample["value"]}
