"""An observation under other names of its operations: a path parameter that is renamed changes no traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pytest_bctrl.observed.facts import Observation, Place


def relabelled(observation: Observation, names: Mapping[str, str]) -> Observation:
    """Return the observation with each operation's label replaced by what `names` has for it."""
    if all(old == new for old, new in names.items()):
        return observation

    def moved(place: Place) -> Place:
        return place._replace(operation=names.get(place.operation, place.operation))

    return Observation(
        places={moved(place): facts for place, facts in observation.places.items()},
        statuses=Counter({(names.get(label, label), code): n for (label, code), n in observation.statuses.items()}),
        parameters=Counter({(names.get(label, label), name): n for (label, name), n in observation.parameters.items()}),
        unknown={moved(parent): set(map(moved, members)) for parent, members in observation.unknown.items()},
        untold=Counter({moved(place): count for place, count in observation.untold.items()}),
    )
