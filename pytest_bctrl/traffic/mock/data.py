"""The data that the mock serves: read-only views, changes of single runtimes, and states that change over time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random
from threading import Lock
from typing import Any, NoReturn, TypeAlias

from pytest_bctrl.contract.iso_time import parse_time
from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Level, at_or_above
from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.mock.call_syntax import shown
from pytest_bctrl.traffic.mock.change import Fault, RequestContext
from pytest_bctrl.traffic.mock.source import BodySource


def _raise_read_only(*_arguments: Any, **_named: Any) -> NoReturn:
    """Raise `SettingError` with how to change what the mock serves; every editing method of its data calls this."""
    raise SettingError(
        "what the mock serves cannot be edited in place",
        where="mock.runtimes",
        hint="change one with mock.update(runtime_id, status=…), or set all with mock.runtimes = […]; "
        "copy.deepcopy(mock.runtimes) can be edited",
    )


class ServedList(list[Any]):
    """A read-only list that the mock serves; editing it raises `SettingError`, which says how to change the data."""

    append = extend = insert = remove = pop = clear = sort = reverse = _raise_read_only
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _raise_read_only

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a copy or pickle of the list an ordinary list."""
        return list, (list(self),)


class ServedDict(dict[str, Any]):
    """A read-only object that the mock serves; see `ServedList`."""

    __setitem__ = __delitem__ = __ior__ = pop = popitem = update = setdefault = clear = _raise_read_only

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a copy or pickle of the object an ordinary dict."""
        return dict, (dict(self),)


def read_only_copy(value: Any) -> Any:
    """Return a copy of JSON data whose lists and objects raise `SettingError` when they are edited."""
    if isinstance(value, list):
        return ServedList(map(read_only_copy, value))
    if isinstance(value, dict):
        return ServedDict({name: read_only_copy(member) for name, member in value.items()})
    return value


_HINT = "give what the contract allows, or say conforming=False"


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
    """Return a copy of `body`; raises `SettingError` if it is not JSON, or if it must be `conforming` and is not.

    It does not conform if the contract's checks report a finding at `fail_on` or above. The error names `where`.
    """
    try:
        data = encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingError(f"it is not JSON: {error}", where=where, hint="give JSON data") from None
    if conforming:
        # Imported here, because a mock that generates its data does not need it.
        from pytest_bctrl.checks.response import Response as Observed
        from pytest_bctrl.checks.run import check_response
        from pytest_bctrl.reports.terminal import breach

        fields = (("Content-Type", samples.media_type),)
        # A mock may have a space whose id the contract does not allow; it is then checked with the default id.
        with_default_id = data.replace(encode(space_id), encode(SPACE_ID))
        responses = [
            Observed(samples.contract, samples.operation, samples.status, fields, body, samples.parameters(space))
            for space, body in {space_id: data, SPACE_ID: with_default_id}.items()
        ]
        findings = min((at_or_above(check_response(response), fail_on) for response in responses), key=len)
        if findings:
            raise SettingError(f"it breaks the contract: {breach(findings)}", where=where, hint=hint)
    return json.loads(data)


_UPDATED = re.compile(r"(last)?_?(updated|modified|changed)", re.IGNORECASE)
_ACTIVE_ID = re.compile(r"active.*id", re.IGNORECASE)


def with_item_changed(samples: Samples, body: Any, runtime_id: str, changes: Mapping[str, Any], where: str) -> Any:
    """Return `body` with changes to the item whose id is `runtime_id`; raises `SettingError` if there is none.

    Dependent properties change too: those that an invariant ties to a changed one, the time of the last change, and the
    id of the active run if the status becomes `active` or stops being it.
    """
    items = samples.items(body)
    id_location = next((rule.location for rule in samples.invariants if rule.keyword == "unique"), "id")
    name = re.split(r"[.\]]", id_location)[-1]
    ids = [item.get(name) if isinstance(item, Mapping) else None for item in items]
    if runtime_id not in ids:
        shown_ids = ", ".join(map(str, ids[:3])) or "none"
        if len(ids) > 3:
            shown_ids += ", …"
        problem = f"no runtime with the {name} {shown(runtime_id)} is being served"
        raise SettingError(problem, where=where, hint=f"take one of: {shown_ids}")
    if not isinstance(changes, Mapping):
        raise SettingError(f"{shown(changes)} is not an object of changes", where=where, hint='give {"status": …}')
    index = ids.index(runtime_id)
    items[index] = apply_changes(samples, items[index], changes)
    if samples.is_list:
        return samples.with_items(items)
    return {**body, samples.list_name: items}


def apply_changes(samples: Samples, item: Any, changes: Mapping[str, Any], ahead: float = 0.0) -> Any:
    """Return an item with changes and those that follow, such as an `updatedAt` of `ahead` seconds from now."""
    changed_item = samples.overridden(item, changes, conforming=False)
    if not changes:
        return changed_item
    dependent = _dependent_changes(samples, changed_item, changes, ahead)
    return samples.overridden(changed_item, {**changes, **dependent}, conforming=False)


def _dependent_changes(
    samples: Samples, item: Mapping[str, Any], changes: Mapping[str, Any], ahead: float
) -> dict[str, Any]:
    """Return the changes that follow from others: a later `updatedAt`, and an id that needs an active state."""
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    properties = flatten(samples.contract, samples.item_schema).get("properties", {})
    enums = {name: flatten(samples.contract, properties.get(name, {})).get("enum", ()) for name in changes}
    states = [name for name, values in enums.items() if "active" in values]
    dependent: dict[str, Any] = {}
    for name, value in item.items():
        if name in changes:
            continue
        moment = parse_time(value) if isinstance(value, str) and _UPDATED.match(name) else None
        if moment is not None and moment.tzinfo is not None:
            later = max(now, moment + timedelta(milliseconds=1))
            dependent[name] = later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        elif _ACTIVE_ID.fullmatch(name) and states:
            if "active" not in map(item.get, states):
                dependent[name] = None
            elif value is None:
                dependent[name] = as_uuid(blake2b(f"{item}{now}".encode(), digest_size=16).hexdigest())
    return dependent


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """One step of a sequence: a state or a fault, for a number of responses or seconds, whichever ends first."""

    what: Any
    responses: int | None = None
    seconds: float | None = None


class StepSource(BodySource):
    """The bodies of a sequence of states, each for a number of responses or seconds; the last state stays."""

    def __init__(self, now: Callable[[], float] = clock.monotonic) -> None:
        super().__init__(list, now)
        self._steps: list[tuple[SequenceStep, Payload, Fault | None]] = []
        self._lock = Lock()
        self._at = self._answered = 0
        self._begun = self._last = now()

    def add(self, step: SequenceStep, body: bytes, fault: Fault | None) -> None:
        """Append a step in which `body` is served, changed by `fault` if there is one."""
        self._steps.append((step, Payload(body), fault))

    def body(self, number: int) -> Any:
        """Return the body of the current step as JSON data, without counting a response; `number` is ignored."""
        with self._lock:
            self._go_to_due_step()
            return json.loads(self._steps[self._at][1].body)

    def payload(self, number: int) -> Payload:
        """Return the body of the current step as a payload, and count one response; `number` is ignored."""
        with self._lock:
            self._go_to_due_step()
            self._answered, self._last = self._answered + 1, self.now()
            return self._steps[self._at][1]

    def _go_to_due_step(self) -> None:
        """Go to the step that is due after the responses sent and the seconds passed."""
        while self._at < len(self._steps) - 1:
            step = self._steps[self._at][0]
            if step.responses is not None and self._answered >= step.responses:
                self._begun = self._last
            elif step.seconds is not None and self.now() >= self._begun + step.seconds:
                self._begun += step.seconds
            else:
                return
            self._at, self._answered = self._at + 1, 0

    def remaining(self) -> str:
        """Return how many steps responses used, such as `responses used 1 of 3 steps`; empty if all."""
        with self._lock:
            count = len(self._steps)
            if self._at == count - 1 and self._answered:
                return ""
            used = self._at + (self._answered > 0)
            if not used:
                return "no response used it"
            return f"responses used {used} of {count} steps"

    def transform(self, context: RequestContext) -> MockResponse:
        """Return the response changed by the fault of the step that served its body, if that has one that applies."""
        body = context.response.payload.page_of or context.response.payload
        fault = next((fault for _, payload, fault in self._steps if payload is body), None)
        if fault is None or not fault.meets(context):
            return context.response
        return replace(fault.change(context), faults=(fault.name,))


_LASTS = (5.0, 60.0)
"""Minimum and maximum number of seconds for which an item of `lifecycle` is in one state."""


class LifecycleSource(BodySource):
    """Bodies whose items change their state over time, at independent times that depend on the seed only.

    An active item stops or fails, and later starts again. Raises `SettingError` if the items have no state `active`.
    """

    def __init__(self, samples: Samples, body: Any, seed: int) -> None:
        super().__init__(list)
        properties = flatten(samples.contract, samples.item_schema).get("properties", {})
        enums = {name: flatten(samples.contract, schema).get("enum", ()) for name, schema in properties.items()}
        self._name = next((name for name, values in enums.items() if "active" in values), "")
        if not self._name:
            raise SettingError(
                "no property of an item has the state active",
                where="scenario lifecycle",
                hint="play a sequence instead",
            )
        self._end_states = [value for value in enums[self._name] if value != "active"]
        self._samples = samples
        self._items = samples.items(body)
        self._sources = [Random(f"{seed}:{index}") for index in range(len(self._items))]  # noqa: S311
        self._due = [source.uniform(*_LASTS) for source in self._sources]
        self._begun: float | None = None
        self._lock = Lock()

    def payload(self, number: int) -> Payload:
        """Return the body with all items in their current states; `number` is ignored."""
        with self._lock:
            now = self.now()
            if self._begun is None:
                self._begun = now
            for index in range(len(self._items)):
                while self._begun + self._due[index] <= now:
                    self._change_state(index, self._begun + self._due[index] - clock.monotonic())
            self._payloads = self._payloads or [Payload(encode(self._samples.with_items(self._items)))]
            return self._payloads[0]

    def _change_state(self, index: int, ahead: float) -> None:
        """Give an item its next state, `ahead` seconds from now, and set the time of the one after it."""
        item, source = self._items[index], self._sources[index]
        state = "active"
        if item[self._name] == "active":
            state = source.choice(self._end_states)
        self._items[index] = apply_changes(self._samples, item, {self._name: state}, ahead)
        self._payloads.clear()
        self._due[index] += source.uniform(*_LASTS)


State: TypeAlias = tuple[SequenceStep, Any, tuple[Any, ...] | None]
"""A step of a sequence, its body, and the arguments of its fault, None without a fault."""


def _as_step(value: Any) -> SequenceStep:
    """Return `value` if it is a `SequenceStep`, else a step for one response with `value` as its state or fault."""
    return value if isinstance(value, SequenceStep) else SequenceStep(value, responses=1)


def states_of_text(body: bytes, steps: Sequence[Any], name: str) -> Iterator[State]:
    """Yield step, body and fault of each step of a sequence for an operation whose responses are not JSON.

    Bytes are the body, a status or a fault changes the response, None and 200 change nothing. Errors call the sequence
    `name`.
    """
    for number, value in enumerate(steps, 1):
        step = _as_step(value)
        if isinstance(step.what, bytes):
            body = step.what
        elif not isinstance(step.what, int | str | Fault | None):
            raise SettingError(
                f"{shown(step.what)} is not a step of an operation without JSON",
                where=f"{name}: step {number}",
                hint="give bytes, a status, a fault, or None",
            )
        yield step, body, _fault_arguments(step.what)


def states(samples: Samples, body: Any, steps: Sequence[Any], name: str = "mock.sequence") -> Iterator[State]:
    """Yield step, body and fault of each step of a sequence for an operation with JSON responses.

    A list replaces all items, an object maps ids of items to changes (or is the body, if that contains no list), a
    status or a fault changes the response, None and 200 change nothing. Errors call the sequence `name`.
    """
    for number, value in enumerate(steps, 1):
        step = _as_step(value)
        what, where = step.what, f"{name}: step {number}"
        if isinstance(what, list):
            body = samples.with_items(what)
        elif isinstance(what, Mapping) and not samples.lists:
            body = what
        elif isinstance(what, Mapping):
            for runtime_id, changes in what.items():
                body = with_item_changed(samples, body, runtime_id, changes, where)
        elif not isinstance(what, int | str | Fault | None):
            raise SettingError(
                f"{shown(what)} is not a step", where=where, hint="give a list, changes by id, or a fault"
            )
        yield step, body, _fault_arguments(what)


def _fault_arguments(what: Any) -> tuple[Any, ...] | None:
    """Return the arguments of `fault` for a step that is a fault or a status; None for a state, None or 200."""
    if what in (None, 200) or isinstance(what, list | Mapping | bytes):
        return None
    if isinstance(what, int):
        return "status", what
    return (what,)
