"""Which credentials each operation gets: documents x servers, as the log of the server shows, and as doctor says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.traffic.mock import MockServer

from .guarded_api import SCHEMES, Api, credential, document, guard, serve, value_of

Sent = Mapping[str, str]


class Row(NamedTuple):
    """A document, by the security of each path, the settings that it needs, and the schemes that each path gets.

    - `securities`: `a and b or c or nothing`, `public` for an empty list, None for no keyword; `*` is the document.
    - `settings`: the scheme whose value is in BCTRL_API_KEY; a line of bctrl_credentials, `scheme = $VARIABLE`; and
      `use scheme`, a line of bctrl_security.
    - `sent`: schemes, or nothing, for each path that gets any.
    - `unapplied`: schemes that the document defines and does not apply.
    """

    securities: Mapping[str, str | None]
    settings: Sequence[str]
    sent: Sent
    unapplied: Sequence[str] = ()

    @property
    def paths(self) -> list[str]:
        """The paths of the document."""
        return [path for path in self.securities if path != "*"]

    @property
    def assumed(self) -> str:
        """The only scheme that nothing applies; empty if there are several, or the document says that none applies."""
        is_stated = any(security is not None for security in self.securities.values())
        return self.unapplied[0] if len(self.unapplied) == 1 and not is_stated else ""


FOUR = "bearer or Apikey or query or cookie"

NEEDED = {
    # One scheme.
    "bearer": Row({"/a": "bearer"}, ["bearer"], {"/a": "bearer"}),
    "basic": Row({"/a": "basic"}, ["basic"], {"/a": "basic"}),
    "key in a header": Row({"/a": "header"}, ["header"], {"/a": "header"}),
    "key in the query": Row({"/a": "query"}, ["query"], {"/a": "query"}),
    "key in a cookie": Row({"/a": "cookie"}, ["cookie"], {"/a": "cookie"}),
    "another HTTP scheme": Row({"/a": "Apikey"}, ["Apikey"], {"/a": "Apikey"}),
    "key in Authorization": Row({"/a": "bare"}, ["bare"], {"/a": "bare"}),
    "key in Authorization, prefix described": Row({"/a": "described"}, ["described"], {"/a": "described"}),
    "oauth2": Row({"/a": "oauth"}, ["oauth"], {"/a": "oauth"}),
    "openIdConnect": Row({"/a": "openid"}, ["openid"], {"/a": "openid"}),
    "basic of two variables": Row({"/a": "basic"}, ["basic = $USER_NAME:$PASSWORD"], {"/a": "basic"}),
    "no BCTRL_API_KEY": Row({"/a": "bearer"}, ["bearer = $TOKEN"], {"/a": "bearer"}),
    # The document, and operations that differ from it.
    "of the document": Row({"*": "bearer", "/a": None, "/b": None}, ["bearer"], {"/a": "bearer", "/b": "bearer"}),
    "public beside the document": Row({"*": "bearer", "/a": None, "/b": "public"}, ["bearer"], {"/a": "bearer"}),
    "cookie beside the document": Row(
        {"*": "bearer", "/a": None, "/b": "cookie"}, ["bearer", "cookie = $SESSION"], {"/a": "bearer", "/b": "cookie"}
    ),
    # And.
    "two headers": Row({"/a": "header and app"}, ["header", "app = $APP"], {"/a": "header app"}),
    "bearer and query": Row({"/a": "bearer and query"}, ["bearer", "query = $KEY"], {"/a": "bearer query"}),
    "basic and cookie": Row({"/a": "basic and cookie"}, ["basic", "cookie = $SESSION"], {"/a": "basic cookie"}),
    "two cookies": Row({"/a": "cookie and csrf"}, ["cookie", "csrf = $CSRF"], {"/a": "cookie csrf"}),
    "two, without BCTRL_API_KEY": Row({"/a": "header and app"}, ["header = $KEY", "app = $APP"], {"/a": "header app"}),
    "three": Row(
        {"/a": "bearer and app and query"},
        ["bearer", "app = $APP", "query = $KEY"],
        {"/a": "bearer app query"},
    ),
    # Or.
    "first of two": Row({"/a": "bearer or cookie"}, ["bearer"], {"/a": "bearer"}),
    "second of two": Row({"/a": "bearer or cookie"}, ["cookie", "use cookie"], {"/a": "cookie"}),
    "the one with a value": Row({"/a": "bearer or cookie"}, ["cookie = $SESSION"], {"/a": "cookie"}),
    "a header before the URL": Row({"/a": "query or header"}, ["header"], {"/a": "header"}),
    "first of four": Row({"/a": FOUR}, ["bearer"], {"/a": "bearer"}),
    "second of four": Row({"/a": FOUR}, ["Apikey", "use Apikey"], {"/a": "Apikey"}),
    "third of four": Row({"/a": FOUR}, ["query", "use query"], {"/a": "query"}),
    "fourth of four": Row({"/a": FOUR}, ["cookie", "use cookie"], {"/a": "cookie"}),
    "two or one": Row({"/a": "header and app or bearer"}, ["header", "app = $APP"], {"/a": "header app"}),
    "one or two": Row({"/a": "header and app or bearer"}, ["bearer", "use bearer"], {"/a": "bearer"}),
    "besides a certificate": Row({"/a": "certificate or bearer"}, ["bearer"], {"/a": "bearer"}),
    "besides a digest": Row({"/a": "digest or cookie"}, ["cookie"], {"/a": "cookie"}),
    "two operations with one in common": Row(
        {"/a": "bearer or cookie", "/b": "cookie"}, ["cookie", "use cookie"], {"/a": "cookie", "/b": "cookie"}
    ),
    # Optional.
    "optional beside required": Row({"/a": "bearer", "/b": "bearer or nothing"}, ["bearer"], {"/a": "bearer"}),
    # Per operation.
    "bearer, and a cookie": Row(
        {"/a": "bearer", "/b": "cookie"}, ["bearer", "cookie = $SESSION"], {"/a": "bearer", "/b": "cookie"}
    ),
    "bearer, a cookie, and none": Row(
        {"/a": "bearer", "/b": "cookie", "/c": None},
        ["bearer", "cookie = $SESSION"],
        {"/a": "bearer", "/b": "cookie"},
    ),
    "bearer, query, and two headers": Row(
        {"/a": "bearer", "/b": "query", "/c": "header and app"},
        ["bearer", "query = $KEY", "header = $HEADER", "app = $APP"],
        {"/a": "bearer", "/b": "query", "/c": "header app"},
    ),
    "two kinds of one token": Row({"/a": "bearer", "/b": "oauth"}, ["bearer"], {"/a": "bearer", "/b": "oauth"}),
    "two tokens in one field": Row(
        {"/a": "bearer", "/b": "Apikey"}, ["bearer", "Apikey = $KEY"], {"/a": "bearer", "/b": "Apikey"}
    ),
    "both and either": Row(
        {"/a": "header and app", "/b": "header", "/c": "app", "/d": "public"},
        ["header", "app = $APP"],
        {"/a": "header app", "/b": "header", "/c": "app"},
    ),
}
"""Documents that need all of the settings."""

NOT_NEEDED = {
    "two or one of them": Row({"/a": "header and app or app"}, ["header", "app = $APP"], {"/a": "header app"}),
    "optional, selected": Row({"/a": "bearer or nothing"}, ["bearer", "use bearer"], {"/a": "bearer"}),
    "optional": Row({"/a": "bearer or nothing"}, [], {}),
    "optional, with a key": Row({"/a": "bearer or nothing"}, ["bearer"], {}),
    "none": Row({"/a": None}, [], {}),
    "none, with a key": Row({"/a": None}, ["bearer"], {}),
    "empty list": Row({"*": "public", "/a": None}, [], {}, ["bearer"]),
    "empty list, with a key": Row({"*": "public", "/a": None}, ["bearer"], {}, ["bearer"]),
    "empty lists of operations, with a key": Row({"/a": "public", "/b": "public"}, ["bearer"], {}, ["bearer"]),
    "unapplied": Row({"/a": None, "/b": None}, [], {}, ["bearer"]),
    "unapplied, with a key": Row({"/a": None, "/b": None}, ["bearer"], {"/a": "bearer", "/b": "bearer"}, ["bearer"]),
    "unapplied header, with a key": Row({"/a": None}, ["header"], {"/a": "header"}, ["header"]),
    "two unapplied, with a key": Row({"/a": None}, ["bearer"], {}, ["bearer", "header"]),
}
"""Documents that need none of the settings, or not all of them."""

TABLE = NEEDED | NOT_NEEDED

PROJECT = """
import httpx
import pytest

PATHS = {paths!r}


def test_client(bctrl_client):
    for path in PATHS:
        assert 200 == bctrl_client.get(path, headers={{"User-Agent": "bctrl_client"}}).status_code


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async_client(bctrl_async_client):
    for path in PATHS:
        response = await bctrl_async_client.get(path, headers={{"User-Agent": "bctrl_async_client"}})
        assert 200 == response.status_code


def test_httpx(bctrl_auth, bctrl_base_url):
    with httpx.Client(auth=bctrl_auth, base_url=bctrl_base_url, headers={{"User-Agent": "httpx"}}) as client:
        for path in PATHS:
            assert 200 == client.get(path).status_code
"""
AGENTS = ("pytest-bctrl/", "bctrl_client", "bctrl_async_client", "httpx")


def write_project(row: Row, settings: Sequence[str], monkeypatch: pytest.MonkeyPatch, url: str = "") -> None:
    """Write the contract, the settings and the tests of a row to the working directory; the values are variables."""
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)
    credentials, security = [], []
    for setting in settings:
        scheme, equals, expression = setting.partition(" = ")
        if setting.startswith("use "):
            security.append(setting.removeprefix("use "))
        elif not equals:
            monkeypatch.setenv("BCTRL_API_KEY", value_of(scheme))
        else:
            credentials.append(setting)
            values = [value_of(scheme)]
            names = re.findall(r"\$(\w+)", expression)
            for name, value in zip(names, values if len(names) == 1 else value_of(scheme).split(":"), strict=True):
                monkeypatch.setenv(name, value)
    lines = ["[pytest]", "bctrl_contract = api.json", f"bctrl_base_url = {url}" if url else ""]
    for name, values in (("bctrl_credentials", credentials), ("bctrl_security", security)):
        lines += [f"{name} ="] * bool(values) + [f"    {value}" for value in values]
    Path("pytest.ini").write_text("\n".join(lines) + "\n", "utf-8")
    Path("api.json").write_text(json.dumps(document(row.securities, *row.unapplied)), "utf-8")
    Path("test_project.py").write_text(PROJECT.format(paths=row.paths), "utf-8")


def source_of(row: Row, scheme: str) -> str:
    """Return where the value of a scheme comes from."""
    expressions = dict(setting.split(" = ") for setting in row.settings if " = " in setting)
    return f"{expressions[scheme]} (bctrl_credentials)" if scheme in expressions else "BCTRL_API_KEY"


def resolution(row: Row) -> set[str]:
    """Return the lines of doctor about credentials: the source of each, the field, the scheme and the operations."""
    sent, condition = row.sent, ""
    if row.assumed:
        sent, condition = dict.fromkeys(row.paths, row.assumed), ", if it is set"
    lines = set()
    for name in dict.fromkeys(name for names in sent.values() for name in names.split()):
        paths = [path for path, names in sent.items() if name in names.split()]
        lines.add(f"{source_of(row, name)}{condition}, sent as {SCHEMES[name][1]} ({name}) to {listed(paths)}")
    if not lines:
        return {"not needed: no operation requires one (BCTRL_API_KEY is not sent)"}
    without = [path for path in row.paths if not sent.get(path)]
    if without:
        lines.add(f"none is sent to {listed([f'{path}{optional(row, path)}' for path in without])}")
    return lines


def optional(row: Row, path: str) -> str:
    """Return a note if the security of a path accepts requests with a credential and without."""
    security = row.securities.get(path) or row.securities.get("*") or ""
    return " (optional)" if "nothing" in security else ""


def listed(paths: Sequence[str]) -> str:
    """Return the operations of these paths with their number."""
    return f"{len(paths)} operation{'s' * (len(paths) > 1)}: {', '.join(f'GET {path}' for path in paths)}"


def lines_of_doctor(output: str) -> set[str]:
    """Return the lines of doctor about credentials that are sent."""
    found = re.findall(r"^. key        (.*)$", output, re.MULTILINE)
    return {line for line in found if not line.startswith("credentials are not checked")}


def foreign_credentials(row: Row, api: Api) -> Iterator[tuple[str, str]]:
    """Yield path and credential of requests that have the value of a scheme which their path does not get."""
    values = {name: credential(name).removeprefix(place[:-1]) for name, (_, place) in SCHEMES.items() if place}
    for request in api.log:
        own = {values[name] for name in row.sent.get(request.path, "").split()}
        for text in request.credentials:
            if any(value in text for value in {*values.values()} - own):
                yield request.path, text


@pytest.mark.parametrize("name", TABLE)
def test_each_operation_gets_exactly_its_credentials(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    row = TABLE[name]
    with serve(guard(row.securities)) as api:
        write_project(row, row.settings, monkeypatch, api.url)
        result = pytester.runpytest("--bctrl-live")
        capsys.readouterr()
        assert 0 == main(["doctor", "--offline"])
        shown = capsys.readouterr().out
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    for path in row.paths:
        expected = frozenset(credential(scheme) for scheme in row.sent.get(path, "").split())
        assert {agent: {expected} for agent in AGENTS} == {agent: api.accepted(path, agent) for agent in AGENTS}
    assert [] == list(foreign_credentials(row, api))
    assert resolution(row) == lines_of_doctor(shown)


@pytest.mark.parametrize("name", ["bearer", "two cookies", "bearer, a cookie, and none", "unapplied, with a key"])
def test_a_base_url_with_a_path_that_the_document_does_not_have_changes_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    row, base = TABLE[name], "/gateway/v2"
    with serve(guard(row.securities, base)) as api:
        write_project(row, row.settings, monkeypatch, api.url + base)
        result = pytester.runpytest("--bctrl-live")
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    for path in row.paths:
        expected = frozenset(credential(scheme) for scheme in row.sent.get(path, "").split())
        assert {agent: {expected} for agent in AGENTS} == {agent: api.accepted(base + path, agent) for agent in AGENTS}


@pytest.mark.parametrize(("name", "setting"), [(name, setting) for name in NEEDED for setting in NEEDED[name].settings])
def test_no_setting_can_be_left_out(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str, setting: str
) -> None:
    row = NEEDED[name]
    with serve(guard(row.securities)) as api:
        write_project(row, [other for other in row.settings if other != setting], monkeypatch, api.url)
        result = pytester.runpytest("--bctrl-live", "bctrl", "--bctrl-max-examples=1")
    said = "\n".join([*result.outlines, *result.errlines])
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR), said
    assert re.search(r"no API key is set|add to bctrl_credentials: \w+ = |rejects the credential with 401", said)


@pytest.mark.parametrize("name", TABLE)
def test_the_mock_accepts_the_same_credentials_with_its_key(name: str) -> None:
    row = TABLE[name]
    contract = from_document(document(row.securities, *row.unapplied), "api.json")
    with MockServer(contract) as mock, httpx.Client(base_url=mock.url) as client:
        for path in row.paths:
            names = row.sent.get(path, "").split()
            texts = [credential(name, mock.api_key) for name in names]
            headers = dict(text.split(": ", 1) for text in texts if not text.startswith(("?", "Cookie")))
            headers["Cookie"] = "; ".join(text[8:] for text in texts if text.startswith("Cookie"))
            query = "&".join(text[1:] for text in texts if text.startswith("?"))
            assert 200 == client.get(f"{path}?{query}".rstrip("?"), headers=headers).status_code
            # A plain connection has no certificate, which the mock takes for granted.
            has_other = any(name in (row.securities[path] or "") for name in ("nothing", "certificate"))
            is_required = bool(names) and not has_other and not row.unapplied
            assert (401 if is_required else 200) == client.get(path).status_code
