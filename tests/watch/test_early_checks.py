"""Exchanges that are checked before their test has ended have the results of those that are checked afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.watch import recorder
from tests.watch.conftest import Run, report_of

TESTS = """
import httpx

TOKEN = "Hd8vKq3xZ1mWc7Tj5RpY"

def test_broken():
    list_orders()
    broken()
    list_orders([{**STORED, TOKEN: 1}])
    list_orders(url=f"https://orders.example/elsewhere/{TOKEN}")
    broken()
    list_orders(headers={"Authorization": f"Bearer {TOKEN}"})

@pytest.mark.bctrl_watch(conforming=False)
def test_ignored():
    broken()

def test_marked_later(request):
    broken()
    request.applymarker(pytest.mark.bctrl_watch(conforming=False))

def test_streams():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(b'[{"id": 7}]')))
    with httpx.Client(transport=transport) as client:
        with client.stream("GET", "https://orders.example/orders") as unread:
            client.get("https://orders.example/orders")
"""
BROKEN_CHECK = """
from pytest_bctrl import contract_check

@contract_check("broken")
def broken(response):
    raise KeyError("orders")

def pytest_bctrl_checks():
    return [broken]
"""


def results(pytester: pytest.Pytester, watch: Run, limit: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the report of a run that checks exchanges early if their bodies have more than `limit` bytes."""
    monkeypatch.setattr(recorder, "_CHECKED_EARLY", limit)
    watch(TESTS, "--bctrl-report=report.json")
    report = report_of(pytester)
    names = ("findings", "verdict", "summary", "notes", "operations", "coverage")
    return {name: report[name] for name in names if name in report}


def test_the_report_is_that_of_checks_at_the_end(
    pytester: pytest.Pytester, watch: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = results(pytester, watch, 10**9, monkeypatch)
    assert late == results(pytester, watch, -1, monkeypatch)
    assert late["findings"]
    assert "Hd8vKq3xZ1mWc7Tj5RpY" not in str(late)


def test_a_broken_check_fails_the_test_at_its_end(
    pytester: pytest.Pytester, watch: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_CHECKED_EARLY", -1)
    pytester.makeconftest(BROKEN_CHECK)
    result = watch(
        "def test_list():\n    list_orders()\n    passed()\n\ndef passed():\n    print('was not disturbed')\n", "-rP"
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*bctrl watch: *the check broken raised KeyError*"])


def test_bodies_beyond_the_memory_are_counted(watch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two responses that are read at the same time, with room for one."""
    monkeypatch.setattr(recorder, "_CHECKED_EARLY", 100)
    monkeypatch.setattr(recorder, "_MAX_KEPT", 200)
    result = watch(
        """
import httpx

def test_two():
    chunks = lambda: iter([b"[" + b" " * 140, b" " * 20 + b"]"])
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=chunks()))
    with httpx.Client(transport=transport) as client:
        with client.stream("GET", "https://orders.example/orders") as first:
            bytes_of_first = first.iter_raw()
            next(bytes_of_first)
            client.get("https://orders.example/orders")
            assert list(bytes_of_first)
"""
    )
    result.stdout.fnmatch_lines(["*GET /orders: it did not fit into memory next to other bodies*"])
    assert "2 exchanges" in result.stdout.str()
