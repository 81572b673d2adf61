"""What is put into the mock: shown so that it cannot be edited unseen, changed a runtime at a time, and over time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random
from threading import Lock
from typing import Any, NoReturn

from pytest_bctrl.contract.iso_time import parse_time
from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Level, at_or_above
from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.samples.sample import SPACE_ID, Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock.change import Fault, RequestContext
from pytest_bctrl.traffic.mock.source import BodySource


def _refused(*_arguments: Any, **_named: Any) -> NoReturn:
    raise SettingError(
        "what the mock serves cannot be edited in place",
        where="mock.runtimes",
        hint="change one with mock.update(runtime_id, status=…), or set all with mock.runtimes = […]; "
        "copy.deepcopy(mock.runtimes) can be edited",
    )


class ServedList(list[Any]):
    """A list that the mock serves: to be read and copied; editing it raises `SettingError`, which says how to do it."""

    append = extend = insert = remove = pop = clear = sort = reverse = _refused
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refused

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class ServedDict(dict[str, Any]):
    """An object that the mock serves, as `ServedList` is a list."""

    __setitem__ = __delitem__ = __ior__ = pop = popitem = update = setdefault = clear = _refused

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def served(value: Any) -> Any:
    """Return JSON data that can be read and copied, and not edited."""
    if isinstance(value, list):
        return ServedList(map(served, value))
    return ServedDict({name: served(inner) for name, inner in value.items()}) if isinstance(value, dict) else value


_HINT = "give what the contract allows, or say conforming=False: mock.serve(…), mock.update(…), mock.sequence(…)"


def checked_copy(
    samples: Samples,
    body: Any,
    space_id: str,
    where: str,
    *,
    conforming: bool,
    fail_on: Level = "warning",
    hint: str = _HINT,
) -> Any:
    """Return a copy of `body`, to be served for a space.

    Raises `SettingError`, naming `where`, for what is not JSON; and where it is to be `conforming`, for what the checks
    of the contract find at `fail_on` or above.
    """
    try:
        data = encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingError(f"it is not JSON: {error}", where=where, hint="give JSON data") from None
    if conforming:
        # Imported here: a mock that makes its own data starts sooner without.
        from pytest_bctrl.checks.response import Response as Observed
        from pytest_bctrl.checks.run import check_answer
        from pytest_bctrl.reports.terminal import breach

        fields = (("Content-Type", samples.media_type),)
        # A mock can have a space of any name, also of one that the contract does not allow: it may stand for the usual.
        usual = data.replace(encode(space_id), encode(SPACE_ID))
        responses = [
            Observed(samples.contract, samples.operation, samples.status, fields, body, samples.parameters(space))
            for space, body in {space_id: data, SPACE_ID: usual}.items()
        ]
        found = min((at_or_above(check_answer(response), fail_on) for response in responses), key=len)
        if found:
            raise SettingError(f"it breaks the contract: {breach(found)}", where=where, hint=hint)
    return json.loads(data)


_UPDATED = re.compile(r"(last)?_?(updated|modified|changed)", re.IGNORECASE)
_ACTIVE_ID = re.compile(r"active.*id", re.IGNORECASE)


def changed(samples: Samples, body: Any, runtime_id: str, changes: Mapping[str, Any], where: str) -> Any:
    """Return `body` with changes to the item that has an id; raises `SettingError` where none has it.

    What goes with them follows: what an invariant ties to them, the time of the last change, and the id of what is
    active with a status that becomes `active` or no longer is.
    """
    items = samples.items(body)
    place = next((rule.location for rule in samples.invariants if rule.keyword == "unique"), "id")
    name = re.split(r"[.\]]", place)[-1]
    ids = [item.get(name) if isinstance(item, Mapping) else None for item in items]
    if runtime_id not in ids:
        known = ", ".join(map(str, ids[:3])) + (", …" if len(ids) > 3 else "")
        raise SettingError(
            f"none with the {name} {runtime_id!r} is served", where=where, hint=f"take one of: {known or 'none'}"
        )
    if not isinstance(changes, Mapping):
        raise SettingError(f"{changes!r} is not an object of changes", where=where, hint='give {"status": …}')
    index = ids.index(runtime_id)
    items[index] = followed(samples, items[index], changes)
    return samples.with_items(items) if samples.is_list else {**body, samples.list_name: items}


def followed(samples: Samples, item: Any, changes: Mapping[str, Any], ahead: float = 0.0) -> Any:
    """Return an item with changes and what follows them, made so many seconds from now on."""
    made = samples.overridden(item, changes, conforming=False)
    if not changes:
        return made
    return samples.overridden(made, {**changes, **_following(samples, made, changes, ahead)}, conforming=False)


def _following(samples: Samples, item: Mapping[str, Any], given: Mapping[str, Any], ahead: float) -> dict[str, Any]:
    """What a change of an item takes along beside what invariants tie to it, by the names that such members have."""
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    properties = flatten(samples.contract, samples.item_schema).get("properties", {})
    states = [name for name in given if "active" in flatten(samples.contract, properties.get(name, {})).get("enum", ())]
    made: dict[str, Any] = {}
    for name, value in item.items():
        if name in given:
            continue
        moment = parse_time(value) if isinstance(value, str) and _UPDATED.match(name) else None
        if moment is not None and moment.tzinfo is not None:
            later = max(now, moment + timedelta(milliseconds=1))
            made[name] = later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        elif _ACTIVE_ID.fullmatch(name) and states:
            if "active" not in map(item.get, states):
                made[name] = None
            elif value is None:
                made[name] = as_uuid(blake2b(f"{item}{now}".encode(), digest_size=16).hexdigest())
    return made


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence: a state or a fault, for so many answers or seconds, whichever is over first."""

    what: Any
    responses: int | None = None
    seconds: float | None = None


class StepSource(BodySource):
    """The bodies of a sequence of states, each in force for so many answers or seconds, the last for good."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(list, now)
        self._steps: list[tuple[Step, Payload, Fault | None]] = []
        self._lock = Lock()
        self._at = self._answered = 0
        self._begun = self._last = now()

    def add(self, step: Step, body: Any, fault: Fault | None) -> None:
        """Add a step in which `body` is served, through `fault` where there is one."""
        self._steps.append((step, Payload(encode(body)), fault))

    def body(self, number: int) -> Any:
        """Return the body that is in force; nothing is counted."""
        with self._lock:
            self._advance()
            return json.loads(self._steps[self._at][1].body)

    def payload(self, number: int) -> Payload:
        """Return the bytes of the body that is in force, and count one answer."""
        with self._lock:
            self._advance()
            self._answered, self._last = self._answered + 1, self.now()
            return self._steps[self._at][1]

    def _advance(self) -> None:
        while self._at < len(self._steps) - 1:
            step = self._steps[self._at][0]
            if step.responses is not None and self._answered >= step.responses:
                self._begun = self._last
            elif step.seconds is not None and self.now() >= self._begun + step.seconds:
                self._begun += step.seconds
            else:
                return
            self._at, self._answered = self._at + 1, 0

    def transform(self, context: RequestContext) -> MockResponse:
        """Return the answer as the fault of its step leaves it."""
        whole = context.response.payload.page_of or context.response.payload
        fault = next((fault for _, payload, fault in self._steps if payload is whole), None)
        if fault is None:
            return context.response
        return replace(fault.change(replace(context, turn=self._answered - 1)), faults=(fault.name,))


_LASTS = (5.0, 60.0)
"""Seconds for which an item of `lifecycle` is in one state, at least and at most."""


class LifecycleSource(BodySource):
    """The bodies of items that live: each goes from one state to another at its own times, the same for a seed.

    An item that runs stops or fails, one that has stopped or failed starts again. Raises `SettingError` where the items
    have no state that is called `active`.
    """

    def __init__(self, samples: Samples, body: Any, seed: int) -> None:
        super().__init__(list)
        properties = flatten(samples.contract, samples.item_schema).get("properties", {})
        listed = {name: flatten(samples.contract, schema).get("enum", ()) for name, schema in properties.items()}
        self._name = next((name for name, values in listed.items() if "active" in values), "")
        if not self._name:
            raise SettingError(
                "no property of an item has a state 'active'", where="scenario lifecycle", hint="use mock.sequence(…)"
            )
        self._ended = [value for value in listed[self._name] if value != "active"]
        self._samples = samples
        self._items = samples.items(body)
        self._sources = [Random(f"{seed}:{index}") for index in range(len(self._items))]  # noqa: S311
        self._due = [source.uniform(*_LASTS) for source in self._sources]
        self._begun: float | None = None
        self._lock = Lock()

    def payload(self, number: int) -> Payload:
        """Return the bytes of the items as they are at this time."""
        with self._lock:
            now = self.now()
            self._begun = now if self._begun is None else self._begun
            for index, source in enumerate(self._sources):
                while self._begun + self._due[index] <= now:
                    item = self._items[index]
                    state = source.choice(self._ended) if item[self._name] == "active" else "active"
                    ahead = self._begun + self._due[index] - time.monotonic()
                    self._items[index] = followed(self._samples, item, {self._name: state}, ahead)
                    self._payloads.clear()
                    self._due[index] += source.uniform(*_LASTS)
            self._payloads = self._payloads or [Payload(encode(self._samples.with_items(self._items)))]
            return self._payloads[0]


def states(samples: Samples, body: Any, steps: Sequence[Any]) -> Iterator[tuple[Step, Any, tuple[Any, ...] | None]]:
    """Yield each step with the body that is in force in it, and what makes its fault: None where it has none.

    What is no `Step` is one for one answer. A list is a whole list of items, an object names changes by an item's id,
    None and 200 are no change.
    """
    for number, given in enumerate(steps, 1):
        step = given if isinstance(given, Step) else Step(given, responses=1)
        what, where = step.what, f"mock.sequence: step {number}"
        if isinstance(what, list):
            body = samples.with_items(what)
        for runtime_id, changes in what.items() if isinstance(what, Mapping) else ():
            body = changed(samples, body, runtime_id, changes, where)
        if not isinstance(what, list | Mapping | int | str | Fault | None):
            raise SettingError(f"{what!r} is not a step", where=where, hint="give a list, changes by id, or a fault")
        is_state = what in (None, 200) or isinstance(what, list | Mapping)
        yield step, body, None if is_state else ("status", what) if isinstance(what, int) else (what,)
