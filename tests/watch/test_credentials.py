"""No output of the watch has a recognisable part of a credential that the watched exchanges contain."""

from __future__ import annotations

import shutil

import pytest

from tests.redaction.fragments import assert_unrecognisable, read_outputs
from tests.redaction.runs import random_key
from tests.watch.conftest import Run

TESTS = """
import base64
import os

KEY = os.environ["SENT_KEY"]


def get(status=200, received=(), orders=None, text=None, target="/orders", **values):
    content = {"json": orders} if text is None else {"text": text}
    transport = httpx.MockTransport(lambda request: httpx.Response(status, headers=received, **content))
    with httpx.Client(transport=transport) as client:
        return client.request(values.pop("method", "GET"), f"https://orders.example{target}", **values)


def test_a_body_repeats_the_bearer_token():
    headers = {"Authorization": f"Bearer {KEY}"}
    get(orders=[{**STORED, "size": KEY}, {**STORED, KEY: KEY}], headers=headers, received={"X-Received": KEY})


def test_a_body_repeats_a_password():
    get(orders=[{**STORED, "size": KEY}], auth=("user", KEY))


def test_a_body_repeats_a_key():
    get(orders=[{**STORED, "size": KEY.encode().hex()}], headers={"X-Api-Key": KEY})


def test_a_body_repeats_a_cookie_that_it_sets():
    get(orders=[{**STORED, "size": f"not {KEY}"}], received={"Set-Cookie": f"session={KEY}; Path=/"})


def test_a_body_repeats_it_encoded():
    encoded = base64.b64encode(KEY.encode()).decode()
    get(orders=[{**STORED, "size": encoded}, {**STORED, "size": KEY.upper()}], params={"api_key": KEY})


def test_a_request_breaks_the_contract():
    get(orders=[], params={"limit": KEY, "token": KEY})
    get(method="POST", orders=STORED, status=201, json={"qty": KEY, "size": KEY}, cookies={"session": KEY})


def test_a_request_is_not_in_the_contract():
    letters = KEY.translate(str.maketrans("0123456789", "abcdefghij"))
    get(orders=[], target=f"/keys-{letters[:15]}", params={"token": letters})


def test_an_error_repeats_it():
    get(status=500, text=f"Invalid API key: {KEY}", params={"access_token": KEY})
"""
REPORTS = [*(f"--bctrl-report=report.{suffix}" for suffix in ("json", "html", "md", "sarif", "xml"))]
OPTIONS = [*REPORTS, "--junitxml=junit.xml", "--bctrl-coverage", "-rA", "-vv"]


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one process", "workers"])
@pytest.mark.parametrize("is_configured", [True, False], ids=["the key", "another credential"])
def test_no_output_has_a_part_of_a_credential(
    watch: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, is_configured: bool, workers: list[str]
) -> None:
    """Neither the reports nor the terminal have one; tracebacks, which show a test's own source, do not count."""
    key = random_key(f"watch {is_configured}")
    monkeypatch.setenv("SENT_KEY", key)
    if is_configured:
        monkeypatch.setenv("BCTRL_API_KEY", key)

    result = watch(TESTS, *OPTIONS, *workers)

    shutil.rmtree(pytester.path / "__pycache__", ignore_errors=True)
    outputs = read_outputs(pytester.path, {"stdout": result.stdout.str(), "stderr": result.stderr.str()})
    assert "[redacted]" in outputs["report.json"].decode()
    assert "response_schema_conformance" in outputs["stdout"].decode()
    assert_unrecognisable(key, outputs)


@pytest.mark.parametrize("key", ["shop-key", "large"])
def test_a_word_that_was_sent_as_a_key_is_redacted_as_a_value(watch: Run, pytester: pytest.Pytester, key: str) -> None:
    """Where it is the whole value, as in `size` here."""
    watch(
        f"def test_it():\n    list_orders([{{**STORED, 'size': {key!r}}}], headers={{'X-Api-Key': {key!r}}})\n",
        "--bctrl-report=report.json",
    )
    report = (pytester.path / "report.json").read_text("utf-8")
    assert '"observed": "[redacted]"' in report
