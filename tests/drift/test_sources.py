"""Fetching, against real servers on a loopback port."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.cli.drift import documents_to_compare
from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.drift import check_upstream, compare
from pytest_bctrl.drift.sources import fetch, read_source, read_text, require_fetchable
from pytest_bctrl.errors import BctrlError, DocumentError, UnreachableError

from .published import SPEC, TEXT, page
from .upstream import Upstream, redirect_to, text


def test_a_page_is_fetched(upstream: Upstream) -> None:
    upstream.responses["/list.md"] = text(page())
    assert read_source(f"{upstream.url}/list.md").data == SPEC


def test_the_format_of_a_url_without_a_suffix_is_detected_from_its_text(upstream: Upstream) -> None:
    upstream.responses.update({"/page": text(page()), "/spec": text(TEXT)})
    assert read_source(f"{upstream.url}/page").data == read_source(f"{upstream.url}/spec").data == SPEC


def test_no_credential_is_sent(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BCTRL_API_KEY", "secret-key")
    upstream.responses["/"] = text(TEXT)
    read_source(f"{upstream.url}/")
    (sent,) = upstream.headers
    assert not {"authorization", "cookie", "x-api-key"} & {name.lower() for name in sent}
    assert "secret-key" not in str(sent)


def test_a_redirect_to_the_same_host_is_followed(upstream: Upstream) -> None:
    upstream.responses.update({"/old": redirect_to("/new"), "/new": text(TEXT)})
    assert read_source(f"{upstream.url}/old").data == SPEC


@pytest.mark.parametrize("target", ["http://example.invalid/", "file:///etc/passwd", "ftp://example.invalid/"])
def test_a_redirect_to_a_disallowed_url_is_an_error(target: str, upstream: Upstream) -> None:
    upstream.responses["/"] = redirect_to(target)
    with pytest.raises(BctrlError):
        fetch(f"{upstream.url}/")


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_redirect_from_https_to_http_is_an_error(scheme: str) -> None:
    with pytest.raises(DocumentError, match="only https"):
        require_fetchable("http://localhost:8000/", via=f"{scheme}://example.invalid/")


def test_a_redirect_loop_is_an_error(upstream: Upstream) -> None:
    upstream.responses["/"] = redirect_to("/")
    with pytest.raises(UnreachableError):
        fetch(f"{upstream.url}/")


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_unexpected_status_is_an_error(status: int, upstream: Upstream) -> None:
    upstream.responses["/"] = text(TEXT, status)
    with pytest.raises(UnreachableError, match=str(status)):
        fetch(f"{upstream.url}/")


def test_a_body_sent_byte_by_byte_times_out(upstream: Upstream) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        """Send a body without end, byte by byte."""
        request.send_response(200)
        request.end_headers()
        with suppress(OSError):
            while True:
                request.wfile.write(b"#")
                request.wfile.flush()
                time.sleep(0.05)

    upstream.responses["/"] = drip
    with pytest.raises(UnreachableError, match="no response within"):
        fetch(f"{upstream.url}/", seconds=0.3)


def test_a_missing_response_times_out(upstream: Upstream) -> None:
    hold = threading.Event()
    upstream.responses["/"] = lambda _: hold.wait(60)
    with pytest.raises(UnreachableError, match="no response within"):
        fetch(f"{upstream.url}/", seconds=0.2)
    hold.set()


def test_an_endless_response_is_rejected_at_10_mb(upstream: Upstream) -> None:
    def flood(request: BaseHTTPRequestHandler) -> None:
        """Send 100 MB, or as much as the client reads."""
        request.send_response(200)
        request.end_headers()
        try:
            for _ in range(1000):
                request.wfile.write(b"#" * 100_000)
        except OSError:
            return

    upstream.responses["/big"] = flood
    with pytest.raises(DocumentError, match="10 MB"):
        read_source(f"{upstream.url}/big")


def test_an_unrequested_content_encoding_is_an_error(upstream: Upstream) -> None:
    upstream.responses["/"] = text("x", Content_Encoding="gzip")
    with pytest.raises(UnreachableError, match="gzip"):
        fetch(f"{upstream.url}/")


def test_a_response_that_is_not_utf_8_is_an_error(upstream: Upstream) -> None:
    def latin(request: BaseHTTPRequestHandler) -> None:
        """Send a text in Latin-1."""
        request.send_response(200)
        request.end_headers()
        request.wfile.write("openapi: 3.1.0 # é".encode("latin-1"))

    upstream.responses["/"] = latin
    with pytest.raises(DocumentError, match="UTF-8"):
        read_source(f"{upstream.url}/")


def test_a_closed_port_is_unreachable(upstream: Upstream) -> None:
    upstream.close()
    try:
        with pytest.raises(UnreachableError):
            fetch(f"{upstream.url}/")
    finally:
        upstream.__init__()  # type: ignore[misc] # the fixture closes it again


@pytest.mark.parametrize(
    "url",
    ["http://example.invalid/", "http://127.0.0.1.example.invalid/", "http://localhost.example.invalid/", "ftp://127.0.0.1/",
     "file:///etc/passwd", "https://", "https://user:secret@example.invalid/", "https://example.invalid:port/", "https://[::1"],
)  # fmt: skip
def test_an_unsupported_url_is_an_error(url: str) -> None:
    """Another scheme, `http` to another machine, no host, an invalid port, and a URL with a user and a password.

    The password is not shown.
    """
    with pytest.raises(DocumentError) as caught:
        fetch(url)
    assert "secret" not in str(caught.value)


def test_an_upstream_is_checked_against_a_contract(upstream: Upstream) -> None:
    """`check_upstream` fetches a page with a changed enum and returns a finding for the removed and the added value."""
    upstream.responses["/list.md"] = text(page(TEXT.replace("- failed", "- lost")))
    reported = {finding.rule for finding in check_upstream(f"{upstream.url}/list.md", SPEC)}
    assert reported == {"response-property-enum-value-added", "response-property-enum-value-removed"}


def test_an_upstream_that_responds_with_status_500_is_an_error(upstream: Upstream) -> None:
    upstream.responses["/"] = text("", 500)
    with pytest.raises(UnreachableError):
        check_upstream(f"{upstream.url}/", SPEC)


def test_the_contract_is_compared_with_its_upstream_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sides = documents_to_compare(None, None)

    assert packaged().spec.resolve() == Path(sides.base).resolve()
    assert json.loads(packaged().lock.read_text("utf-8"))["source"] == sides.upstream


def test_a_file_is_read_from_a_git_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was committed, not as it is in the working tree; a missing file, revision or path is an error."""
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("then")
    for command in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm m"):
        subprocess.run(["git", *command.split()], check=True)
    Path("a.yaml").write_text("now")
    assert "then" == read_text("git:HEAD:a.yaml")
    for source, says in {"HEAD:gone": "does not exist", "HEAD": "no revision and path", "-x:y": "no rev"}.items():
        with pytest.raises(DocumentError, match=says):
            read_text(f"git:{source}")


def test_a_file_is_read_from_a_git_revision_without_a_working_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a hook on a server; the path begins at the root of the repository."""
    folder = tmp_path / "work" / "specs"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("then")
    monkeypatch.chdir(tmp_path)
    author = "-c user.name=a -c user.email=a@b"
    for command in ("-C work init -q", "-C work add .", f"-C work {author} commit -qm a", "clone -q --bare work bare"):
        subprocess.run(["git", *command.split()], check=True)
    monkeypatch.chdir(tmp_path / "bare")
    assert "then" == read_text("git:HEAD:specs/a.yaml")
    with pytest.raises(DocumentError, match=r"'a\.yaml' does not exist in 'HEAD'"):
        read_text("git:HEAD:a.yaml")


def test_referenced_files_are_read_from_the_same_git_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec split into two files equals the whole one; a change and a missing file are located in the second file."""
    monkeypatch.chdir(tmp_path)
    components, main = Path("common/parts.yaml"), Path("specs/api.yaml")
    for file in (components, main):
        file.parent.mkdir()
    components.write_text(TEXT)
    beside = {**SPEC, "components": {"securitySchemes": SPEC["components"]["securitySchemes"]}}
    main.write_text(json.dumps(beside).replace("#/components/schemas", "../common/parts.yaml#/components/schemas"))
    for command in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm m"):
        subprocess.run(["git", *command.split()], check=True)
    was = read_source(f"git:HEAD:{main}")
    assert [] == compare(was, load_document(TEXT, "one.yaml")) == compare(load_document(TEXT, "one.yaml"), was)

    components.write_text(re.sub(r"enum:\n( *)-", r"enum:\n\1- paused\n\1-", TEXT, count=1))
    (findings, *further) = compare(was, read_source(str(main), previous=was))
    places = [(findings.extra[side]["document"], findings.extra[side]["line"]) for side in ("base", "revision")]
    assert ([], [("git:HEAD:common/parts.yaml", None), ("common/parts.yaml", None)]) == (further, places)
    assert findings.extra["changed"].startswith("../common/parts.yaml#/components/schemas/")
    components.unlink()
    with pytest.raises(DocumentError, match=r"common/parts.yaml: the file does not exist, .* \(api.yaml refers"):
        compare(was, read_source(str(main)))


@pytest.mark.parametrize("form", ["page.md", "spec.yaml", "spec.json"])
def test_no_document_reads_a_file_outside_its_folder(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error is one line, which shows nothing of that file."""
    (tmp_path / "x.json").write_text('{"type": "string", "title": "private"}', "utf-8")
    folder = tmp_path / "received"
    folder.mkdir()
    monkeypatch.chdir(folder)
    paths = {"/a": {"get": {"responses": {"200": {"$ref": "../x.json"}}}}}
    text = json.dumps({**REFERRING, "info": {"title": "bctrl API", "version": "1"}, "paths": paths})
    Path(form).write_text(f"```json\n{text}\n```\n" if form == "page.md" else text, "utf-8")
    assert 2 == main(["drift", form])
    output = capsys.readouterr()
    assert "" == output.out
    assert "../x.json: it is outside the folder of the document" in output.err
    assert (1, False) == (len(output.err.splitlines()), "private" in output.err)


REFERRING = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"$ref": "b.json"}}}


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (None, r"^git:HEAD:a: git is not installed \(give a path\)"),
        ("sleep 5", r"git did not finish within 0.5 s \(give a path\)"),
        ("exit 1", "git cannot read it"),
        ("echo fatal: bad >&2; exit 1", ": bad "),
        (r"printf 'fatal: \377 is bad' >&2; exit 1", ": \ufffd is bad "),
    ],
)
def test_an_unreadable_git_revision_is_an_error(
    program: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git is missing, slow, or fails, with or without a message."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if program else str(tmp_path))
    if program:
        (tmp_path / "git").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "git").chmod(0o755)
    with pytest.raises(DocumentError, match=says):
        read_source("git:HEAD:a", 0.5)


def test_a_file_that_a_revision_refers_to_has_no_more_time_than_the_file_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git hangs for the file that is referred to: the reference stays unread, with the reason."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    (tmp_path / "git").write_text(
        f"#!/bin/sh\ncase $3 in HEAD:./a) echo '{json.dumps(REFERRING)}';; *) sleep 5;; esac\n"
    )
    (tmp_path / "git").chmod(0o755)
    document = read_source("git:HEAD:a", 0.5)
    assert {"b.json": ("git:HEAD:b.json: git did not finish within 0.5 s", "a refers to it: b.json")} == document.data[
        "x-bctrl-unread"
    ]
