"""An observation as plain JSON data: for the workers of pytest-xdist, and for files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.observed.facts import Facts, Observation, Place

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
            places={Place(*place): _read(facts) for *place, facts in data["places"]},
            statuses=Counter({(label, code): count for label, code, count in data["statuses"]}),
            parameters=Counter({(label, name): count for label, name, count in data["parameters"]}),
            unknown={
                Place(label, code, at): {Place(label, code, member) for member in members}
                for label, code, at, members in data["unknown"]
            },
            untold=Counter({Place(*place): count for *place, count in data["untold"]}),
        )
    except (KeyError, TypeError, ValueError):
        raise DocumentError(
            "it is not an observation of this version", where="observation", mend="observe the traffic again"
        ) from None


def _read(data: Mapping[str, Any]) -> Facts:
    return Facts(
        seen=int(data["seen"]),
        of=int(data["of"]),
        types=Counter(data["types"]),
        values=Counter(data["values"]),
        others=int(data["others"]),
        formats=Counter(data["formats"]),
        empty=int(data["empty"]),
        samples=dict(data["samples"]),
    )
