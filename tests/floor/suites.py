"""Test suites under the watch, and claims of impact runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.exchanges.catalogue import ORDERS_CONTRACT
from tests.impact.drifts import DRIFTS, changed_spec
from tests.impact.truth.changes import CHANGES, changed_document
from tests.impact.truth.compare import ON_THE_MOCK, Project, documents
from tests.impact.watched.responders import RESPONDERS as IMPACT_RESPONDERS
from tests.reports.agreement import RUN_OPTIONS
from tests.watch.conftest import ORDERS, copy_local_server
from tests.watch.suites import CLIENTS, RESPONDERS, Suite, write_suite
from tests.watch.ways_to_send import CALLS, CODE

from .inputs import Input, Options
from .kit import PYTEST, Fact, FinishedRun, Kit, located

_CONSUMERS = Path(__file__).parents[1] / "impact" / "consumers"
_WATCH = (
    "pytest",
    *PYTEST,
    "-pno:asyncio",
    "--bctrl-watch",
    "--bctrl-contract=orders.json",
    *RUN_OPTIONS,
)
_IMPACT = ("pytest", *PYTEST, "--bctrl-impact=changed.json", "--bctrl-report=report.json")


def watched(_options: Options) -> Iterator[Input]:
    """Yield a watched run of each suite with a client or a responder, and of each unusual way to send a request."""
    for suite in (*CLIENTS, *RESPONDERS):

        def collect(kit: Kit, folder: Path, suite: Suite = suite) -> Iterator[Fact]:
            write_suite(cast("pytest.Pytester", SimpleNamespace(path=folder)), suite)
            yield from _watched_facts(kit.start(folder, *_WATCH))

        yield Input(suite.name, collect)
    for name, (body, _) in CALLS.items():

        def collect_call(kit: Kit, folder: Path, body: str = body) -> Iterator[Fact]:
            lines = "\n".join(f"    {line}" for line in body.splitlines())
            (folder / "orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")
            (folder / "orders.py").write_text(ORDERS, "utf-8")
            copy_local_server(folder)
            (folder / "conftest.py").touch()
            test = f"from orders import *\nimport pytest\n{CODE}def test_it(url):\n{lines}\n    broken()\n"
            (folder / "test_orders.py").write_text(test, "utf-8")
            yield from _watched_facts(kit.start(folder, *_WATCH))

        yield Input(f"call: {name}", collect_call)


def _watched_facts(result: FinishedRun) -> Iterator[Fact]:
    """Yield the facts of a watched run, and for each finding its tests, the line that sends, and what responds."""
    yield from result.report()
    data = result.data("report.json") or {"findings": []}
    for name in ("requests", "answers", "bodies"):
        yield "count", str(data.get("counts", {}).get(name)), name
    for finding in data["findings"]:
        for origin in finding.get("watched", ()):
            lines = " ".join(f"{name}={origin.get(name)}" for name in ("test", "sent_at", "registered"))
            yield f"watched {finding['rule']}", finding["level"], f"{finding['location']} {lines}"


def impact(_options: Options) -> Iterator[Input]:
    """Yield an impact run of consumers, of suites on the mock, and of suites with clients and responders."""
    yield _claims("consumers", dict(_consumers()), "", changed_spec(DRIFTS), ())
    projects: list[tuple[str, Project]] = [
        ("mock", ON_THE_MOCK),
        *((responder.name, responder.project) for responder in IMPACT_RESPONDERS),
    ]
    for number, (name, project) in enumerate(projects):
        groups = [(change,) for change in range(len(CHANGES))] if name == "mock" else []
        for numbers in [*groups, *documents([2, 3, 8], seed=number + 1)]:
            document = changed_document(tuple(CHANGES[change] for change in numbers))
            label = f"{name} with {'+'.join(map(str, numbers))}"
            yield _claims(label, dict(project.suites), project.claims_conftest, document, project.options)
    yield _claims("mutants", dict(_consumers()), "", None, ())


def _consumers() -> Iterator[tuple[str, str]]:
    """Yield name and text of the test files of the consumers."""
    for path in sorted(_CONSUMERS.glob("*.py")):
        yield path.stem, path.read_text("utf-8")


def _claims(name: str, suites: dict[str, str], conftest: str, document: str | None, options: tuple[str, ...]) -> Input:
    """Return an impact run of suites, with the changes of a document or, without one, with mutants."""

    def collect(kit: Kit, folder: Path) -> Iterator[Fact]:
        for suite, text in suites.items():
            (folder / f"test_{suite}.py").write_text(text, "utf-8")
        (folder / "conftest.py").write_text(conftest, "utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
        command = [*_IMPACT, *options]
        if document is None:
            command = ["--bctrl-impact=mutants" if "--bctrl-impact" in one else one for one in command]
        else:
            (folder / "changed.json").write_text(document, "utf-8")
        yield from _claimed_facts(kit.start(folder, *command, seconds=1800))

    return Input(name, collect)


def _claimed_facts(result: FinishedRun) -> Iterator[Fact]:
    """Yield the facts of an impact run, and the verdict on each change with its tests."""
    yield from result.report()
    for finding in (result.data("report.json") or {"findings": []})["findings"]:
        claim: dict[str, Any] = finding.get("impact") or {}
        place = f"{finding['rule']} {located(finding)}"
        yield "impact", str(claim.get("verdict")), place
        for outcome in ("tests", "skipped", "not_run"):
            for test in claim.get(outcome, ()):
                yield f"impact {outcome}", "", f"{place} {test['test'] if isinstance(test, dict) else test}"
