"""Memory follows the size of the contract, and not that of the traffic."""

from __future__ import annotations

import json
import tracemalloc

from pytest_bctrl.observed.facts import Observation, as_data
from pytest_bctrl.observed.observe import observe
from tests.observed.bodies import CONTRACT, OPERATION, odd, seen


def held_after(items: int) -> int:
    """The bytes that an observation holds after so many runtimes, of which no two are alike."""
    tracemalloc.start()
    made = Observation()
    for start in range(0, items, 500):
        observe(CONTRACT, OPERATION, 200, {"runtimes": [odd(number) for number in range(start, start + 500)]}, made)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def test_ten_times_the_traffic_holds_no_more() -> None:
    held_after(500)
    assert held_after(5_000) < 1.5 * held_after(500)


def test_what_is_carried_is_bounded_too() -> None:
    bodies = [{"runtimes": [odd(number) for number in range(items)]} for items in (1_000, 10_000)]
    few, many = (len(json.dumps(as_data(seen(body)))) for body in bodies)
    assert many < 1.2 * few
