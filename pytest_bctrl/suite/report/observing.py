"""The one observer of a run; shows what was seen and what never was, carries it from workers, gates on coverage."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx
import pytest

from pytest_bctrl.checks.response import Response, once
from pytest_bctrl.contract.in_force import contract_of_config, load_cached
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.locations import display_location
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.observed.coverage import Coverage, coverage, never_seen
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import Observation, as_data, from_data
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.wording import counted, numbered
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table
from pytest_bctrl.suite.report.gathering import CARRIED
from pytest_bctrl.suite.report.sinks import redact
from pytest_bctrl.suite.run import RUN

if TYPE_CHECKING:
    from pytest_bctrl.http.routes import Routes

Headers = Iterable[tuple[str, str]]


class Observer:
    """Takes down what answers show, in bounded memory.

    `redact` removes secrets from what is kept; `sent` are the header fields that every request has in addition.

    `judged` is what other tests hold to the contract, or what is broken on purpose: it counts for coverage alone.
    `unjudged` is the traffic of ordinary tests, whose differences from the contract nobody else would tell. `minimum`
    is the percentage of the contract that has to be seen. `is_told` means that a contract run tells at its end how much
    was, `is_cause` that a complete run ends with 2 since nobody can say how much.
    """

    minimum: float | None = None
    is_told = False
    is_cause = False

    def __init__(self, contract: Contract, redact: Callable[[str], str] = str, sent: Iterable[str] = ()) -> None:
        self.contract = contract
        self._sent = [(name, "") for name in sent]
        self.judged = Observation()
        self.unjudged = Observation()
        self._measured: tuple[Observation, Coverage] | None = None
        self._redact = redact
        # A test may ask from several threads.
        self._lock = Lock()

    @cached_property
    def _routes(self) -> Routes:
        from pytest_bctrl.http.routes import Routes

        return Routes(self.contract)

    @property
    def everything(self) -> Observation:
        """All that was seen."""
        both = Observation()
        both.add(self.judged)
        both.add(self.unjudged)
        return both

    @property
    def measured(self) -> Coverage:
        """How much of the contract was covered; it takes a while, so the same is not measured again."""
        seen = self.everything
        if self._measured is None or self._measured[0] != seen:
            self._measured = seen, coverage(self.contract, seen)
        return self._measured[1]

    @property
    def shortfall(self) -> str:
        """The sentence for a run that saw too little; empty where it saw enough."""
        if self.minimum is None or self.undecided:
            return ""
        percent = self.measured.percent
        words = f"coverage of {percent:.1f}% is below the minimum of {self.minimum:g}% (--bctrl-min-coverage)"
        return words if percent < self.minimum else ""

    @property
    def undecided(self) -> str:
        """The sentence for a run whose coverage cannot be held to the minimum; empty where it can."""
        if self.minimum is None or not self.measured.not_measured:
            return ""
        cause = self.measured.not_measured[0]
        return f"whether the minimum of {self.minimum:g}% is covered (--bctrl-min-coverage) is not decided: {cause}"

    def see(self, request: httpx.Request, received: httpx.Response, *, judged: bool) -> None:
        """Take down an answer of the contract whose body is in memory, reading it without using it up."""
        match = self._routes.match(request.url.raw_path.decode("ascii").partition("?")[0])
        operation = match.operations.get(request.method) if match is not None else None
        if operation is None or match is None:
            return
        wire = b"".join(received.stream)  # type: ignore[arg-type]
        try:
            body = httpx.Response(received.status_code, headers=received.headers, content=wire).content
        except httpx.DecodingError:
            # The client of the test meets the same, and says so.
            return
        headers = tuple(received.headers.multi_items())
        response = Response(self.contract, operation, received.status_code, headers, body, match.values)
        query, sent = request.url.query.decode("ascii"), request.headers.multi_items()
        self.observe_response(response, query, sent, judged=judged)

    def observe_response(self, response: Response, query: str = "", sent: Headers = (), *, judged: bool = True) -> None:
        """Take down one answer that was read already."""
        response = once(response, ("redacted", id(self)), lambda: self._redacted(response)) or response
        label = response.operation.label
        observed = response.observed
        with self._lock:
            into = self.judged if judged else self.unjudged
            into.add(observed)
            for name in _given(self.contract.operation(label), query, (*sent, *self._sent)):
                into.parameters[label, name] += 1

    def _redacted(self, response: Response) -> Response | None:
        """Return a response without the secrets in its body; None if it has none, or if the body cannot be read.

        Values and names of what is not documented are the API's own. A response that held itself would live longer.
        """
        if not response.parsed.ok:
            return None
        body = response.body.decode("utf-8", "surrogateescape")
        clean = self._redact(body)
        return None if clean == body else replace(response, body=clean.encode("utf-8", "surrogateescape"))

    def take(self) -> dict[str, Any] | None:
        """Return all that was seen since the last call as plain data, and forget it; None where it is nothing."""
        if not self.judged.statuses and not self.unjudged.statuses:
            return None
        with self._lock:
            judged, self.judged = self.judged, Observation()
            unjudged, self.unjudged = self.unjudged, Observation()
        return {"judged": as_data(judged), "unjudged": as_data(unjudged)}

    def add(self, data: Mapping[str, Any]) -> None:
        """Add what another process took down."""
        self.judged.add(from_data(data["judged"]))
        self.unjudged.add(from_data(data["unjudged"]))


def _given(operation: Operation, query: str, headers: Headers) -> Iterable[str]:
    """The documented parameters that a request gave, as `place:name`."""
    queried = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    sent = {name.lower() for name, _ in headers}
    for parameter in operation.parameters:
        if (
            parameter.in_ == "path"
            or (parameter.in_ == "query" and parameter.name in queried)
            or (parameter.in_ == "header" and parameter.name.lower() in sent)
        ):
            yield f"{parameter.in_}:{parameter.name}"


_OBSERVER: pytest.StashKey[Observer] = pytest.StashKey()


def observer(config: pytest.Config) -> Observer:
    """Return the observer of this process, made when it is first asked for; a wrong setting is a `UsageError`."""
    if _OBSERVER not in config.stash:
        run = config.stash.get(RUN, None)
        with settings.usage_errors():
            contract = run.contract if run else load_cached(contract_of_config(config))
            minimum = settings.percentage(table.MIN_COVERAGE, config)
        made = config.stash[_OBSERVER] = Observer(contract, partial(redact, config), run.header_names if run else ())
        made.minimum = None if config.option.collectonly else minimum
        config.pluginmanager.register(ObservingHooks(config, made), "bctrl-observing")
    return config.stash[_OBSERVER]


class ObservingHooks:
    """The hooks of a run in which something is observed."""

    def __init__(self, config: pytest.Config, observer: Observer) -> None:
        self._config, self._observer = config, observer
        self._is_worker = hasattr(config, "workerinput")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a worker's report carry what was seen since the last: a worker that crashes later loses nothing of it."""
        report = yield
        self._carry(vars(report))
        return report

    def _carry(self, carrier: dict[str, Any]) -> None:
        taken = self._observer.take() if self._is_worker else None
        if taken is not None:
            carrier[CARRIED] = taken

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Carry what no report did, and fail a run that saw too little of the contract, or interrupt it (2) where how
        much cannot be said.
        """
        self._carry(getattr(self._config, "workeroutput", {}))
        if self._is_worker or session.exitstatus != pytest.ExitCode.OK:
            return
        if self._observer.shortfall:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self._observer.undecided:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            self._observer.is_cause = True

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what ordinary tests met that the contract does not say; how much of it was seen only where asked for."""
        if self._config.option.collectonly:
            return
        is_whole, is_told = bool(self._config.option.bctrl_coverage), self._observer.is_told
        has_run = RUN in self._config.stash and bool(self._observer.everything.statuses)
        asked_for = not is_told and (is_whole or has_run or self._observer.minimum is not None)
        lines = [*(coverage_lines(self._observer, is_whole=is_whole) if asked_for else ())]
        found = differences(self._observer.contract, self._observer.unjudged)
        if found:
            lines.append(f"drift        {counted(found)} in the traffic of other tests than the contract suite's")
            lines += describe(found)
        if not lines or self._config.get_verbosity() < -1:
            return
        terminalreporter.section("bctrl coverage" if asked_for else "bctrl traffic")
        for line in lines:
            terminalreporter.line(escape_line(line))
        if self._observer.shortfall and not is_told:
            terminalreporter.line(escape_line(f"FAIL {self._observer.shortfall}"), red=True)
        if self._observer.undecided and not is_told:
            terminalreporter.line(escape_line(f"not checked: {self._observer.undecided}"), red=True)


def coverage_rows(observer: Observer, *, is_whole: bool) -> Iterator[tuple[str, str]]:
    """Yield how much of the contract was covered and, for the whole of it, what never was: labels and texts."""
    measured = observer.measured
    missing = never_seen(measured)
    more = "" if is_whole or not missing else "; --bctrl-coverage lists the rest"
    yield (
        "coverage",
        f"{measured.percent:.1f}% of the contract: {measured.seen} of {len(measured.points)} points seen, "
        f"in {numbered(observer.everything.statuses.total(), 'response')}{more}",
    )
    yield from (("not checked", reason) for reason in not_seen(measured))
    if is_whole:
        yield from (("" if number else "never seen", line) for number, line in enumerate(missing))


def coverage_lines(observer: Observer, *, is_whole: bool = True) -> Iterator[str]:
    """Yield the same as lines."""
    return (escape_line(f"{label:<13}{text}") for label, text in coverage_rows(observer, is_whole=is_whole))


def not_seen(measured: Coverage) -> Iterator[str]:
    """Yield a sentence for every list of which no items were seen, and for all that is beyond the budget."""
    yield from measured.not_measured
    empty = {(point.status, point.location) for point in measured.points if point.kind == "empty" and point.seen}
    for point in measured.points:
        if point.kind == "items" and not point.seen and (point.status, point.location) in empty:
            yield f"{display_location(point.location)}: every list was empty, so nothing of its items was seen"


def remarks(observer: Observer) -> Iterator[str]:
    """Yield a line for everything that the traffic of other tests than the contract suite's showed."""
    for found in differences(observer.contract, observer.unjudged):
        yield (
            f"in the traffic of other tests: {found.level} {found.rule} at {found.location}, {found.message} "
            f"({found.count} of {found.total})"
        )
