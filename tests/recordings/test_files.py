"""Files of recordings: a written one can be read back, and any later change is found and named."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from operator import getitem
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.traffic.recordings import har_read
from pytest_bctrl.traffic.recordings.har_file import load, save
from pytest_bctrl.traffic.recordings.har_read import decode
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.recordings.recorded_exchange import recorded_exchange

ONE = recorded_exchange(
    "GET", "https://api.example.test/v1/a?b=c", 200, (("Content-Type", "application/json"),), b'{"n":1}'
)
TWO = recorded_exchange(
    "GET", "https://api.example.test/v1/b", 404, (("Content-Type", "text/plain"),), b"\xff\x00 no text"
)
FILE = encode(Recording((ONE, TWO), "mock", "2026-01-01T00:00:00Z"))


GONE = object()


def edited(place: str, value: object) -> bytes:
    """Return the file with the value at a location of its log replaced, or removed if it is `GONE`."""
    document = json.loads(FILE)
    *above, last = (int(step) if step.isdecimal() else step for step in place.split("."))
    holder = reduce(getitem, above, document["log"])
    if value is GONE:
        del holder[last]
    else:
        holder[last] = value
    return (json.dumps(document, indent=2) + "\n").encode()


@given(
    st.lists(
        st.builds(
            recorded_exchange,
            method=st.sampled_from(["GET", "HEAD", "POST"]),
            url=st.sampled_from(["http://localhost:8787/v1/x", "https://a.test/y?z=%20&z=1"]),
            status=st.integers(100, 599),
            headers=st.just((("Content-Type", "application/json"),)),
            body=st.binary() | st.text().map(str.encode),
            sent=st.just((("accept", "*/*"),)),
            sent_body=st.binary() | st.text().map(str.encode),
            test=st.text(st.characters(exclude_categories=["Cs"])),
        ),
        max_size=3,
    )
)
def test_a_written_recording_can_be_read_back(exchanges: list[Exchange]) -> None:
    recording = Recording(tuple(exchanges), "mock", "2026-01-01T00:00:00Z")

    read = decode(encode(recording), "x.har")
    assert recording == read
    assert encode(recording) == encode(read)


WIDE = encode(
    Recording(
        (
            replace(ONE, body='{"name": "\U0001f30d \u00e9"}'.encode(), test="test_\u00e9"),
            replace(TWO, reason="\u00e9\u2026"),
        )
    )
)


@pytest.mark.parametrize("byte", [0x00, 0x22, 0x5C, 0x75, 0xC3, 0xFF])
def test_the_fast_and_the_general_reader_agree_on_any_changed_byte(byte: int) -> None:
    """At each position, both return the same recording or reject the file: one parses bytes, the other text."""
    for position in range(len(WIDE)):
        data = WIDE[:position] + bytes([byte]) + WIDE[position + 1 :]

        assert read_or_none(partial(decode, data, "x.har")) == read_or_none(partial(decode_text, data))


def read_or_none(read: Callable[[], Recording]) -> Recording | None:
    """Return the recording that was read, or None if it was rejected."""
    try:
        return read()
    except DocumentError:
        return None


def decode_text(data: bytes) -> Recording:
    """Return the recording in a file as the general reader reads it, without the fast one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(har_read, "latin1_json", lambda data, kept: None)
        return decode(data, "x.har")


FIRST, SECOND = "entries.0", "entries.1"
NO_URLS = ("https://a.test/\ud800", "200", "", "https:///v1/b", "https://a.test:8787t/v1/b")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"x\.har: it is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", r"x\.har: it is not text: byte 0 is 0x89"),
        (b"[]", r"it is JSON, but no HAR"),
        (b"[" * 100_000, r"it is not JSON that can be read: RecursionError"),
        (edited(f"{FIRST}.response.content.text", '{"n":2}'), "1 of 2, GET /v1/a: .*text is not what was recorded"),
        (edited("_bctrlFormat", 2), r"written by a newer pytest-bctrl .* \(install a newer pytest-bctrl"),
        (edited("_bctrlFormat", GONE), r"_bctrlFormat is missing"),
        (edited("entries.0", 5), r"entry 1 of 2: an object is expected"),
        (edited(f"{FIRST}._bctrlBasePath", "/gateway"), r"url does not begin with _bctrlBasePath: the file was edited"),
        (edited(f"{FIRST}._bctrlTest", 5), r"_bctrlTest: a string is expected"),
        (edited(f"{FIRST}.request", GONE), r"entry 1 of 2: request: an object is expected, and it is"),
        (edited(f"{FIRST}.response.headers", {}), r"entry 1 of 2, GET /v1/a: response\.headers: a list is expected"),
        (edited(f"{FIRST}.response.headers.0.value", "a\ud800"), r"entry 1 of 2, GET /v1/a: .*no header can have"),
        (edited(f"{FIRST}.response.headers.0.value", "a\r\nX: y"), r"Content-Type has a value that no header can have"),
        (edited(f"{SECOND}.response.content._bctrlSha256", GONE), r"entry 2 of 2, GET /v1/b"),
        (edited(f"{SECOND}.response.content.text", GONE), r"GET /v1/b: response\.content\.text: a string"),
        (edited(f"{SECOND}.response.content.encoding", "rot13"), r"'rot13' is not known"),
        (edited(f"{SECOND}.response.status", True), r"response\.status: a number is expected"),
        (edited(f"{SECOND}.response.status", 7), r"7 is not an HTTP status"),
        *((edited(f"{SECOND}.request.method", method), r"entry 2 of 2: request\.method") for method in ("G T", "")),
        *((edited(f"{SECOND}.request.url", url), r"entry 2 of 2: request\.url is not a URL") for url in NO_URLS),
    ],
)
def test_an_invalid_file_is_an_error_that_names_the_problem(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        decode(data, "x.har")


def test_har_files_of_other_tools_are_read() -> None:
    """Base64 bodies are decoded, header fields with an invalid value left out, blocked requests skipped."""
    body = '{"runtimes":[]}'
    entries = [
        {
            "request": {"method": "get", "url": "https://a.test/1", "headers": [{"name": ":authority", "value": "a"}]},
            "response": {
                "status": 200,
                "headers": [
                    {"name": "content-encoding", "value": "gzip"},
                    {"name": "set-cookie", "value": "session=1\nother=2"},
                    {"name": "content-type", "value": "application/json"},
                ],
                "content": {"text": base64.b64encode(body.encode()).decode(), "encoding": "base64", "size": 15},
            },
        },
        {
            "request": {"method": "GET", "url": "https://a.test/2"},
            "response": {"status": 200, "content": {"text": body, "mimeType": "application/json", "size": 15}},
        },
        {"request": {"method": "GET", "url": "https://a.test/blocked"}, "response": {"status": 0}},
        {"request": {"method": "GET", "url": "https://a.test/4"}, "response": {"status": 200, "content": {"size": 9}}},
    ]
    read = decode(b"\xef\xbb\xbf" + json.dumps({"log": {"entries": entries}}).encode(), "browser.har")

    assert not read.is_ours
    first, second, evicted = read.exchanges
    assert [body.encode()] * 2 == [first.body, second.body]
    sent, received = ((":authority", "a"),), (("content-type", "application/json"),)
    assert ("GET", sent, received) == (first.request.method, first.request.headers, first.headers)
    assert "application/json" == second.header("Content-Type")
    assert ["", "", har_read.LACKS_BODY] == [exchange.response_unread for exchange in (first, second, evicted)]


def test_a_comment_that_is_not_a_string_is_ignored() -> None:
    entry = {
        "request": {"method": "GET", "url": "https://a.test/"},
        "response": {"status": 200, "content": {"text": "a", "mimeType": 5}},
        "_bctrlTest": 5,
    }
    (exchange,) = decode(json.dumps({"log": {"entries": [entry]}}).encode(), "x.har").exchanges
    assert ("", b"a") == (exchange.test, exchange.body)


def test_a_truncated_or_edited_file_is_an_error() -> None:
    """It is truncated, changed in a body, or has bytes before or after; only the final newline may be missing."""
    assert decode(FILE, "x.har") == decode(FILE[:-1], "x.har")
    start = FILE.index(rb"{\"n\":1}")
    changed = [at for at in range(start, start + 9) if FILE[at : at + 1] not in b'\\"']
    damaged = [FILE[:length] for length in range(len(FILE) - 1)]
    damaged += [FILE[:at] + bytes([FILE[at] ^ 1]) + FILE[at + 1 :] for at in changed]
    damaged += [bytes(range(256)) * 20, b"\x7fELF\x02\x01\x01" + FILE, FILE + b"\x00\x01\x02", FILE + FILE]
    for data in damaged:
        with pytest.raises(DocumentError, match=r"^x\.har: ") as caught:
            decode(data, "x.har", "the command")
        assert "the command" == caught.value.hint


def test_loading_a_missing_file_returns_none(tmp_path: Path) -> None:
    assert load(tmp_path / "none.har") is None


def test_loading_a_file_without_the_right_to_read_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the file, and what to do."""

    def refuse(_path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DocumentError, match=r"x\.har: it cannot be read: Permission denied") as caught:
        load(tmp_path / "x.har")
    assert "give this user the right to read it" == caught.value.hint


def test_saving_no_exchanges_removes_the_file(tmp_path: Path) -> None:
    """It creates neither file nor folder if there is none."""
    path = tmp_path / "recordings" / "x.har"
    assert not save(path, "", [], "mock", "now")
    assert not path.parent.exists()
    save(path, "", [ONE], "mock", "now")

    assert save(path, "", [], "mock", "now")
    assert [] == list(path.parent.iterdir())


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "recordings").symlink_to(tmp_path / "nowhere" / "else")

    with pytest.raises(DocumentError, match=r"it cannot be written: .* \(name another --bctrl-recordings\)"):
        save(tmp_path / "recordings" / "x.har", "", [ONE], "mock", "now")


@pytest.mark.parametrize("data", [b"", b" \n", b"\x00", FILE[:-20], FILE.replace(b"/v1/b", b"/v1/\\ud800")])
def test_a_damaged_file_is_an_error_and_not_overwritten(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(data)

    with pytest.raises(DocumentError, match=r"x\.har: .* \(restore it, or delete it and record again: pytest --bctrl-"):
        save(path, "", [ONE], "mock", "now")
    assert data == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_saving_the_same_bodies_does_not_change_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.har"
    assert save(path, "", [ONE], "mock", "now")
    before = path.read_bytes()

    assert not save(path, "", [ONE], "other", "later")
    assert before == path.read_bytes()


def test_a_file_of_a_newer_format_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(edited("_bctrlFormat", 2))
    with pytest.raises(DocumentError, match="newer"):
        save(path, "", [ONE], "mock", "now")


def test_entries_of_another_tool_are_not_preserved(tmp_path: Path) -> None:
    """Saving a recording to their file removes them: they were never searched for secrets."""
    path = tmp_path / "x.har"
    entry = {"request": {"method": "GET", "url": "https://a.test/?key=1"}, "response": {"status": 200}}
    path.write_text(json.dumps({"log": {"entries": [entry]}}))

    save(path, "t", [ONE], "mock", "now")

    assert b"key=1" not in path.read_bytes()
