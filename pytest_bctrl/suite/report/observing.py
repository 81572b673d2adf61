"""The observer of a run: it records responses, reports coverage and differences, and gates on coverage."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from pytest_bctrl.checks.response import Response, once
from pytest_bctrl.contract.in_force import contract_of_config, load_cached
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.locations import display_location
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.observed.coverage import Coverage, Point, coverage, unexercised_lines
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import Observation, as_data, from_data
from pytest_bctrl.reports.terminal import describe, listed
from pytest_bctrl.reports.wording import counted, numbered
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.gathering import CARRIED
from pytest_bctrl.suite.report.sinks import redact
from pytest_bctrl.suite.run import RUN

if TYPE_CHECKING:
    import httpx

    from pytest_bctrl.http.routes import Routes

Headers = Iterable[tuple[str, str]]


class Observer:
    """Records what responses contain, in bounded memory.

    `redact` removes secrets from recorded text; `sent_headers` are the header fields that the settings add to every
    request.

    `validated` observations come from responses that other tests validate, or that are broken on purpose: they only
    count for coverage. `unvalidated` observations come from ordinary tests, and nothing else reports how they differ
    from the contract. `minimum` is the required coverage in percent. `is_reported` means that the summary of a contract
    run reports the coverage, `interrupted_run` that a complete run ends with 2 because it cannot be measured.
    """

    minimum: float | None = None
    is_reported = False
    interrupted_run = False

    def __init__(
        self, contract: Contract, redact: Callable[[str], str] = str, sent_headers: Iterable[str] = ()
    ) -> None:
        self.contract = contract
        self._sent_headers = [(name, "") for name in sent_headers]
        self.validated = Observation()
        self.unvalidated = Observation()
        self._measured: tuple[Observation, Coverage] | None = None
        self._redact = redact
        # A test may send requests from several threads.
        self._lock = Lock()

    @cached_property
    def _routes(self) -> Routes:
        """The routes of the contract."""
        from pytest_bctrl.http.routes import Routes

        return Routes(self.contract)

    @property
    def everything(self) -> Observation:
        """The observations of validated and other responses together."""
        observation = Observation()
        observation.add(self.validated)
        observation.add(self.unvalidated)
        return observation

    @property
    def coverage(self) -> Coverage:
        """The coverage of the contract, measured again only after further observations."""
        observation = self.everything
        if self._measured is None or self._measured[0] != observation:
            self._measured = observation, coverage(self.contract, observation)
        return self._measured[1]

    @property
    def shortfall(self) -> str:
        """A sentence if the run covered less of the contract than the minimum; empty otherwise."""
        if self.minimum is None or self.undecided:
            return ""
        percent = self.coverage.percent
        if percent >= self.minimum:
            return ""
        return f"coverage of {percent:.1f}% is below the minimum of {self.minimum:g}% (--bctrl-min-coverage)"

    @property
    def undecided(self) -> str:
        """A sentence if it is not known whether the minimum was covered; empty otherwise."""
        if self.minimum is None or not self.coverage.not_measured:
            return ""
        cause = self.coverage.not_measured[0]
        return f"whether the minimum of {self.minimum:g}% is covered (--bctrl-min-coverage) is not decided: {cause}"

    def observe(self, request: httpx.Request, received: httpx.Response, *, validated: bool) -> None:
        """Record a response of httpx to an operation of the contract, without consuming its body."""
        import httpx

        match = self._routes.match(request.url.raw_path.decode("ascii").partition("?")[0])
        operation = match.operations.get(request.method) if match is not None else None
        if operation is None or match is None:
            return
        wire_bytes = b"".join(received.stream)  # type: ignore[arg-type]
        try:
            body = httpx.Response(received.status_code, headers=received.headers, content=wire_bytes).content
        except httpx.DecodingError:
            # The client of the test raises the same error.
            return
        headers = tuple(received.headers.multi_items())
        response = Response(self.contract, operation, received.status_code, headers, body, match.values)
        query = request.url.query.decode("ascii")
        self.observe_response(response, query, request.headers.multi_items(), validated=validated)

    def observe_response(
        self,
        response: Response,
        query: str = "",
        sent: Headers = (),
        *,
        validated: bool = True,
        is_repeated: bool = False,
    ) -> None:
        """Record a response and the parameters of its request; a repeated one counts only its status.

        Of a response with the same body as an earlier one (`is_repeated`), only the status is counted.
        """
        response = once(response, ("redacted", id(self)), lambda: self._redacted(response)) or response
        label = response.operation.label
        observation = response.observed
        with self._lock:
            total = self.validated if validated else self.unvalidated
            if is_repeated:
                total.statuses.update(observation.statuses)
            else:
                total.add(observation)
            operation = self.contract.operation(label)
            for name in _sent_parameters(operation, query, (*sent, *self._sent_headers)):
                total.parameters[label, name] += 1

    def _redacted(self, response: Response) -> Response | None:
        """Return the response with secrets removed from its body; None if it has none or is not JSON.

        Undocumented names and values come from the API. A response must not reference itself, or it would live longer.
        """
        if not response.parsed.ok:
            return None
        body = response.body.decode("utf-8", "surrogateescape")
        redacted_body = self._redact(body)
        if redacted_body == body:
            return None
        return replace(response, body=redacted_body.encode("utf-8", "surrogateescape"))

    def pop(self) -> dict[str, Any] | None:
        """Return the observations since the last call as plain data, and forget them; None if there are none."""
        if not self.validated.statuses and not self.unvalidated.statuses:
            return None
        with self._lock:
            validated, self.validated = self.validated, Observation()
            unvalidated, self.unvalidated = self.unvalidated, Observation()
        return {"validated": as_data(validated), "unvalidated": as_data(unvalidated)}

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the observations of another process, as its `pop` returned them."""
        self.validated.add(from_data(data["validated"]))
        self.unvalidated.add(from_data(data["unvalidated"]))


def _sent_parameters(operation: Operation, query: str, headers: Headers) -> Iterable[str]:
    """Yield the documented parameters in a request, as `in:name`."""
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
    """Return the observer of this process, created at the first call; raises `UsageError` for a wrong setting."""
    if _OBSERVER not in config.stash:
        run = config.stash.get(RUN, None)
        with lookup.usage_errors():
            contract = run.contract if run else load_cached(contract_of_config(config))
            minimum = settings.percentage(table.MIN_COVERAGE, config)
        new_observer = Observer(contract, partial(redact, config), run.header_names if run else ())
        if not config.option.collectonly:
            new_observer.minimum = minimum
        config.stash[_OBSERVER] = new_observer
        config.pluginmanager.register(ObservingHooks(config, new_observer), "bctrl-observing")
    return config.stash[_OBSERVER]


class ObservingHooks:
    """The hooks of a run in which responses are observed."""

    def __init__(self, config: pytest.Config, observer: Observer) -> None:
        self._config, self._observer = config, observer
        self._is_worker = hasattr(config, "workerinput")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the latest observations to a worker's report, so that a crash of the worker does not lose them."""
        report = yield
        self._carry(vars(report))
        return report

    def _carry(self, carrier: dict[str, Any]) -> None:
        """Move the observations of a worker into data that the controller receives."""
        if not self._is_worker:
            return
        observations = self._observer.pop()
        if observations is not None:
            carrier[CARRIED] = observations

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass on the last observations, and set the exit code: failed for low coverage, 2 if it cannot be measured."""
        self._carry(getattr(self._config, "workeroutput", {}))
        if self._is_worker or session.exitstatus != pytest.ExitCode.OK:
            return
        if self._observer.shortfall:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self._observer.undecided:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            self._observer.interrupted_run = True

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how the traffic of ordinary tests differs from the contract, the coverage, and what fails the run."""
        if self._config.option.collectonly:
            return
        shows_coverage = self._shows_coverage()
        lines = list(self._summary_lines(shows_coverage=shows_coverage))
        if not lines or self._config.get_verbosity() < -1:
            return
        terminalreporter.section("bctrl coverage" if shows_coverage else "bctrl traffic")
        for line in lines:
            terminalreporter.line(escape_line(line))
        if self._observer.is_reported:
            return
        if self._observer.shortfall:
            terminalreporter.line(escape_line(f"FAIL {self._observer.shortfall}"), red=True)
        if self._observer.undecided:
            terminalreporter.line(escape_line(f"not checked: {self._observer.undecided}"), red=True)

    def _shows_coverage(self) -> bool:
        """Return whether the coverage is printed by this hook: with its option, a contract run or a minimum."""
        if self._observer.is_reported:
            return False
        has_run = RUN in self._config.stash and bool(self._observer.everything.statuses)
        return bool(self._config.option.bctrl_coverage) or has_run or self._observer.minimum is not None

    def _summary_lines(self, *, shows_coverage: bool) -> Iterator[str]:
        """Yield the lines of the summary: coverage, and how the traffic of ordinary tests differs from the contract."""
        if shows_coverage:
            yield from coverage_lines(self._observer, is_complete=bool(self._config.option.bctrl_coverage))
        findings = differences(self._observer.contract, self._observer.unvalidated)
        if findings:
            yield f"drift        {counted(findings)} in the traffic of other tests than the contract suite's"
            yield from describe(findings)


def coverage_rows(observer: Observer, *, is_complete: bool) -> Iterator[tuple[str, str]]:
    """Yield labels and texts: the coverage and, if `is_complete`, the parts that no response exercised."""
    measured = observer.coverage
    missing = unexercised_lines(measured)
    responses = numbered(observer.everything.statuses.total(), "response")
    points = f"{measured.seen} of {len(measured.points)} points exercised"
    text = f"{measured.percent:.1f}% of the contract: {points}, in {responses}"
    if missing and not is_complete:
        text += "; --bctrl-coverage lists the rest"
    yield "coverage", text
    for reason in not_covered(measured):
        yield "not checked", reason
    if is_complete:
        for number, line in enumerate(missing):
            yield "" if number else "not covered", line


def coverage_lines(observer: Observer, *, is_complete: bool = True) -> Iterator[str]:
    """Yield the rows of `coverage_rows` as lines."""
    for label, text in coverage_rows(observer, is_complete=is_complete):
        yield escape_line(f"{label:<13}{text}")


def not_covered(measured: Coverage) -> Iterator[str]:
    """Yield a sentence per list that was always empty, and for what was not measured."""
    yield from measured.not_measured
    lists = {(point.operation, point.status, point.location) for point in measured.points if _is_empty_list(point)}
    labels: dict[str, dict[str, None]] = {}
    for point in measured.points:
        if point.kind == "items" and not point.seen and (point.operation, point.status, point.location) in lists:
            labels.setdefault(display_location(point.location), {})[point.operation] = None
    has_several = len({point.operation for point in measured.points}) > 1
    for location, operations in labels.items():
        names = list(operations)
        subject = listed(names, "operation") if len(names) > 1 else names[0]
        yield f"{f'{subject}: ' if has_several else ''}{location}: every list was empty, so its items are not covered"


def _is_empty_list(point: Point) -> bool:
    """Return whether a point is a list that was empty in some response."""
    return point.kind == "empty" and bool(point.seen)


def traffic_remarks(observer: Observer) -> Iterator[str]:
    """Yield a line for each difference between the contract and the traffic of ordinary tests."""
    has_several = len(observer.contract.operations) > 1
    for finding in differences(observer.contract, observer.unvalidated):
        operation = f" in {finding.operation}" if has_several else ""
        yield (
            f"in the traffic of other tests: {finding.level} {finding.rule} at {finding.location}{operation}, "
            f"{finding.message} ({finding.count} of {finding.total})"
        )
