"""The watch finds each break of the contract with its test and lines, and nothing else, with every client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from pytest_bctrl.watch.importing import HOOKS
from tests import UNUSED, forks
from tests.exchanges.catalogue import CASES, FAULTY, SAMPLE, shown
from tests.watch.conftest import Run
from tests.watch.suites import CLIENTS, RESPONDERS, Suite, as_parameters, write_suite

ARGUMENTS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-q")

LIBRARIES = HOOKS.keys() - {"asyncio", "threading"}
"""What the suite imports; pytest imports the two others."""
PLUGINS = [f"-pno:{name}" for name in ("respx", "pytest_httpx", "requests_mock")]
"""Plugins that import a library."""


@pytest.fixture(scope="session")
def clean_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Yield the command of a Python that has imported none of the libraries: the watch hooks them on import."""
    if not forks.IS_AVAILABLE:
        yield [sys.executable]
        return
    folder = tmp_path_factory.mktemp("clean")
    with forks.forking_server(folder, "--bctrl-watch", *UNUSED.split(), *PLUGINS, str(folder)) as server:
        python = forks.command(server)
        code = f"import sys; print([name for name in {sorted(LIBRARIES)} if name in sys.modules])"
        assert "[]\n" == subprocess.run([*python, "-u", "-c", code], capture_output=True, text=True).stdout
        yield python


def watched(pytester: pytest.Pytester, python: list[str]) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
    """Return the result of a watched run, and the findings of its report."""
    options = ("--bctrl-watch", "--bctrl-contract=orders.json", "--bctrl-report=report.json", *ARGUMENTS)
    result = pytester.run(*python, "-m", "pytest", *options)
    report = json.loads(pytester.path.joinpath("report.json").read_text("utf-8"))
    return result, report["findings"]


@pytest.mark.parametrize("suite", as_parameters(CLIENTS))
def test_each_break_is_found_with_its_test_and_lines(
    pytester: pytest.Pytester, clean_python: list[str], suite: Suite
) -> None:
    """A suite of each HTTP client breaks the contract in known tests: exactly those findings are reported."""
    assert_each_break_is_found(pytester, clean_python, suite)


@pytest.mark.parametrize("suite", as_parameters(RESPONDERS))
def test_each_break_behind_a_mock_library_is_found(
    pytester: pytest.Pytester, clean_python: list[str], suite: Suite
) -> None:
    """A suite of each library that replaces responses: exactly the known breaks are reported."""
    assert_each_break_is_found(pytester, clean_python, suite)


_PLUGIN = """
import pytest
import responses

@pytest.fixture
def registered():
    with responses.RequestsMock() as mock:
        mock.add("GET", "https://orders.example/orders", json=[{"id": 7, "qty": 1, "size": "l"}])
        yield
"""


@pytest.mark.skipif(find_spec("responses") is None, reason="needs responses: tox -e watch")
def test_a_response_of_a_mock_library_that_a_plugin_registers_has_no_line(
    watch: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixture of a plugin outside the project: the finding names the line that sends, and none for the mock."""
    folder = tmp_path_factory.mktemp("installed")
    folder.joinpath("plugin_of_orders.py").write_text(_PLUGIN, "utf-8")
    monkeypatch.syspath_prepend(folder)

    result = watch(
        "import requests\n\ndef test_it(registered):\n    requests.get('https://orders.example/orders')\n",
        "-p",
        "plugin_of_orders",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["error response_schema_conformance: *", "  sent at   test_orders.py:7"])
    assert "mocked by" not in result.stdout.str()


def assert_each_break_is_found(pytester: pytest.Pytester, python: list[str], suite: Suite) -> None:
    """Run the suite under the watch, and compare the findings with those of the catalogue."""
    write_suite(pytester, suite)
    result, findings = watched(pytester, python)

    result.assert_outcomes(passed=len(SAMPLE), errors=len(FAULTY.keys() & SAMPLE))
    by_test: dict[str, list[Any]] = {name: [] for name in SAMPLE}
    for finding in findings:
        for origin in finding["watched"]:
            by_test[origin["test"].partition("[")[2].removesuffix("]")].append((shown(finding), origin))
    assert {name: sorted(CASES[name].expected) for name in SAMPLE} == {
        name: sorted(text for text, _ in results) for name, results in by_test.items()
    }
    origins = [origin for results in by_test.values() for _, origin in results]
    assert {f"test_suite.py:{suite.line('sent')}"} == {origin["sent_at"] for origin in origins}
    registered = suite.line("registered")
    if registered is not None:
        texts = {origin["registered"] for origin in origins if "registered" in origin}
        assert [f"test_suite.py:{registered}"] == [text.rpartition(" at ")[2] for text in texts]
