"""Credentials that a target rejects, from the start, for some operations or after a while: exit code and message."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from .guarded_api import THING, Decide, Received, credential, document, guard, serve, value_of

KEY, WRONG = value_of("bearer"), "tk_wrong_8Zq27LmXw9"
RIGHT = credential("bearer")
REJECTION = 401, {"message": "bad token"}
ONE, THREE = {"/a": "bearer"}, {"/a": "bearer", "/b": "bearer", "/c": "bearer"}

DOCUMENTED = pytest.mark.parametrize("rejections", [[401], []], ids=["documented", "not documented"])
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the suite of a document against a server, with a key or without."""

    def run_suite(
        decide: Decide,
        securities: dict[str, Any],
        *arguments: str,
        key: str | None = KEY,
        rejections: Sequence[int] = (401,),
    ) -> pytest.RunResult:
        """Write the document, serve and run; None leaves BCTRL_API_KEY unset."""
        monkeypatch.delenv("BCTRL_API_KEY", raising=False)
        if key is not None:
            monkeypatch.setenv("BCTRL_API_KEY", key)
        Path("api.json").write_text(json.dumps(document(securities, rejections=rejections)), "utf-8")
        with serve(decide) as api:
            options = ("--bctrl-contract=api.json", f"--bctrl-base-url={api.url}", "--bctrl-report=report.json")
            return pytester.runpytest("--bctrl-live", *options, *arguments, "bctrl")

    return run_suite


def guarded(path: str, sent: frozenset[str], _: Sequence[Received]) -> tuple[int, Any]:
    """Accept the right bearer token."""
    if "no-such-path" in path:
        return 404, {}
    return (200, THING) if RIGHT in sent else REJECTION


def accepting(path: str, _sent: frozenset[str], _log: Sequence[Received]) -> tuple[int, Any]:
    """Accept everybody."""
    return (404, {}) if "no-such-path" in path else (200, THING)


def report() -> dict[str, Any]:
    """Return the JSON report of the run."""
    read: dict[str, Any] = json.loads(Path("report.json").read_text("utf-8"))
    return read


def findings() -> list[dict[str, Any]]:
    """Return the findings in the JSON report."""
    found: list[dict[str, Any]] = report()["findings"]
    return found


def outcomes() -> dict[str, str]:
    """Return the outcomes in the JSON report by `operationId`."""
    return {entry["operation_id"]: entry["outcome"] for entry in report()["operations"]}


def first_line(result: pytest.RunResult) -> str:
    """Return the first line about what was not checked."""
    return next(line for line in result.outlines if line.startswith("not checked"))


@DOCUMENTED
@pytest.mark.parametrize("securities", [ONE, THREE], ids=["one operation", "three"])
def test_a_wrong_key_is_exit_code_2_with_requirement_source_and_what_the_server_said(
    run: Run, securities: dict[str, Any], rejections: Sequence[int]
) -> None:
    result = run(guarded, securities, "-v", key=WRONG, rejections=rejections)
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert first_line(result).startswith(
        "not checked  the target rejects the credential with 401 (bad token): "
        "bearer (Authorization: Bearer …) from BCTRL_API_KEY; check that it is a credential of this API"
    )
    assert [] == findings()
    for text in (result.stdout.str(), result.stderr.str(), Path("report.json").read_text("utf-8")):
        assert WRONG not in text


def test_a_wrong_value_of_bctrl_credentials_names_its_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.setenv("TOKEN", WRONG)
    pytester.makeini("[pytest]\nbctrl_credentials = bearer = $TOKEN")
    result = run(guarded, ONE, key=None)
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert "bearer (Authorization: Bearer …) from $TOKEN (bctrl_credentials); " in first_line(result)
    assert WRONG not in result.stdout.str()


@DOCUMENTED
@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_a_server_that_requires_one_is_exit_code_4(
    run: Run, key: str | None, rejections: Sequence[int]
) -> None:
    result = run(guarded, THREE, key=key, rejections=rejections)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert (
        "no API key is set, and the target rejects GET /a with 401 (bad token); export BCTRL_API_KEY=…"
        in first_line(result)
    )


def test_without_a_key_one_request_is_sent_to_a_server_that_requires_one(run: Run) -> None:
    received: list[str] = []

    def counting(path: str, sent: frozenset[str], log: Sequence[Received]) -> tuple[int, Any]:
        """Record the path."""
        received.append(path)
        return guarded(path, sent, log)

    run(counting, THREE, key=None)
    assert ["/a"] == received


@pytest.mark.parametrize("key", [None, "", KEY])
def test_a_server_that_accepts_everybody_ignores_authentication(run: Run, key: str | None) -> None:
    result = run(accepting, ONE, key=key)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["error ignored_auth: *"])
    assert "ignored_auth" in {finding["rule"] for finding in findings()}


@pytest.mark.parametrize("count", [1, 4, 10])
@DOCUMENTED
def test_a_key_that_expires_is_exit_code_2_and_the_word_expired(
    run: Run, count: int, rejections: Sequence[int]
) -> None:
    def expiring(path: str, sent: frozenset[str], log: Sequence[Received]) -> tuple[int, Any]:
        """Accept the key for some requests."""
        is_expired = sum(request.status == 200 for request in log) >= count
        return REJECTION if is_expired else guarded(path, sent, log)

    result = run(expiring, THREE, rejections=rejections)
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert first_line(result).startswith(
        "not checked  the credential has expired during the run: the target rejects it with 401 (bad token): "
        "bearer (Authorization: Bearer …) from BCTRL_API_KEY; use one that is valid for longer"
    )
    assert [] == findings()


@pytest.mark.parametrize(
    ("optional", "code"), [("", pytest.ExitCode.INTERRUPTED), ("-o=bctrl_optional=GET /b", pytest.ExitCode.OK)]
)
@pytest.mark.parametrize("forbidden", ["/a", "/b", "/c"])
@pytest.mark.parametrize(("status", "rejections"), [(401, [401]), (403, [401, 403]), (403, [401])])
def test_an_operation_that_rejects_the_key_of_the_others_is_forbidden(
    run: Run, optional: str, code: pytest.ExitCode, forbidden: str, status: int, rejections: Sequence[int]
) -> None:
    def forbidding(path: str, sent: frozenset[str], log: Sequence[Received]) -> tuple[int, Any]:
        """Reject the key for one path."""
        is_forbidden = path == forbidden and RIGHT in sent
        return (status, {"message": "not yours"}) if is_forbidden else guarded(path, sent, log)

    arguments = filter(None, [optional.replace("/b", forbidden)])
    result = run(forbidding, THREE, *arguments, rejections=rejections)
    assert code == result.ret, result.stdout.str()
    result.stdout.fnmatch_lines(
        [f"not checked*GET {forbidden}: forbidden: it rejects bearer (Authorization: Bearer …) *"]
    )
    (line,) = [line for line in result.outlines if "forbidden: " in line and "operations passed" not in line]
    assert (
        f"from BCTRL_API_KEY, which GET /{'b' if forbidden == '/a' else 'a'} accepts, with {status} (not yours)" in line
    )
    assert {name: "not checked" if forbidden == f"/{name}" else "passed" for name in "abc"} == outcomes()
    assert [] == findings()


def test_a_wrong_credential_of_some_operations_leaves_the_others_checked(
    run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.setenv("SESSION", WRONG)
    pytester.makeini("[pytest]\nbctrl_credentials = cookie = $SESSION")
    securities = {"/a": "bearer", "/b": "cookie", "/c": "cookie", "/d": None}
    result = run(guard(securities), securities)
    assert pytest.ExitCode.INTERRUPTED == result.ret
    said = "GET /b, GET /c: the target rejects the credential with 401 (bad credentials): cookie (Cookie: sid=…) "
    assert f"{said}from $SESSION (bctrl_credentials); " in first_line(result)
    assert {"a": "passed", "b": "not checked", "c": "not checked", "d": "passed"} == outcomes()


@DOCUMENTED
def test_a_single_401_between_successes_is_a_finding(run: Run, rejections: Sequence[int]) -> None:
    def failing_once(path: str, sent: frozenset[str], log: Sequence[Received]) -> tuple[int, Any]:
        """Reject the fourth request with the right key."""
        right = [request for request in log if RIGHT in request.credentials]
        return REJECTION if RIGHT in sent and len(right) == 3 else guarded(path, sent, log)

    result = run(failing_once, THREE, rejections=rejections)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert "expired" not in result.stdout.str()
    assert findings()
