"""Streams, methods and files whose writes are redacted: calls of any form, errors in redaction, and the end of it."""

from __future__ import annotations

import array
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.secrets.decoding import url_decodings
from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.streams import RedactedFile, redact_file, redact_method, redact_stream

KEY = "Zq7Tn4Wb9Kd2Xs6Lp3Vf8Hg5Rj1YcM"


@pytest.fixture
def redaction() -> Redaction:
    redaction = Redaction()
    redaction.add(KEY)
    return redaction


@pytest.fixture
def broken(redaction: Redaction, monkeypatch: pytest.MonkeyPatch) -> Redaction:
    """Return a redaction that raises an error whenever it is used."""

    def fail(*_: Any, **__: Any) -> Any:
        raise RecursionError

    for method in ("part", "data_bytes", "__call__"):
        monkeypatch.setattr(Redaction, method, fail)
    return redaction


class Printer:
    """A stream whose `write` takes several texts."""

    def __init__(self) -> None:
        self.written: list[object] = []

    def write(self, *parts: Any, end: Any = "\n") -> int:
        self.written += [*parts, end]
        return len(self.written)


class Fixed:
    """A stream whose methods cannot be replaced."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data


class WithBuffer:
    """A stream of text over another stream."""

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer

    def write(self, text: str) -> None:
        self.buffer.write(text.encode())


def test_each_argument_of_a_write_is_redacted(redaction: Redaction) -> None:
    """Positional and named; what is neither text nor bytes is passed as it is, and so is the result."""
    printer = Printer()
    redact_stream(printer, redaction)
    number = object()

    result = printer.write(f"a {KEY}", number, end=f"{KEY}\n")

    assert [f"a {MASK}", number, f"{MASK}\n"] == printer.written
    assert 3 == result


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, partial(array.array, "B")])
def test_bytes_that_are_written_to_the_buffer_are_redacted(make: Callable[[bytes], Any], redaction: Redaction) -> None:
    """The result is the number of bytes that were passed."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, "utf-8")
    redact_stream(stream, redaction)
    data = f"key {KEY}.".encode()

    assert len(data) == stream.buffer.write(make(data))
    assert f"key {MASK}.".encode() == buffer.getvalue()


def test_what_cannot_be_written_raises_the_error_of_the_stream(redaction: Redaction) -> None:
    """A number is not read as a number of bytes."""
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    redact_stream(stream, redaction)

    with pytest.raises(TypeError):
        stream.write(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        stream.buffer.write(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", [Fixed(), object()], ids=["fixed methods", "no methods"])
def test_a_stream_whose_write_cannot_be_replaced_stays_as_it_is(stream: Any, redaction: Redaction) -> None:
    """Neither the start nor the end of the redaction raises an error."""
    redact_stream(stream, redaction)()

    assert not hasattr(stream, "__dict__") or not vars(stream)


def test_a_stream_whose_buffer_cannot_be_replaced_is_redacted(redaction: Redaction) -> None:
    """Text that is written to the stream reaches the buffer as the mask."""
    stream = WithBuffer(Fixed())
    redact_stream(stream, redaction)

    stream.write(KEY)

    assert MASK.encode() == stream.buffer.written


def test_a_write_method_that_was_set_on_the_stream_is_restored(redaction: Redaction) -> None:
    """Another method may have replaced that of the class before the redaction began."""
    texts: list[str] = []
    stream: Any = io.StringIO()
    stream.write = write = texts.append
    end = redact_stream(stream, redaction)
    stream.write(KEY)

    end()

    assert write == stream.write
    assert [MASK] == texts


def test_a_write_method_that_was_kept_by_a_caller_writes_unchanged_after_the_end(redaction: Redaction) -> None:
    """A logging handler, for example, may have stored the method during the redaction."""
    stream = io.StringIO()
    end = redact_stream(stream, redaction)
    write = stream.write
    write(KEY)

    end()
    write(KEY)

    assert f"{MASK}{KEY}" == stream.getvalue()


def test_a_write_method_that_was_replaced_during_the_redaction_stays(redaction: Redaction) -> None:
    """Only the method that the redaction has set is removed at its end, from streams and classes."""
    texts: list[str] = []
    stream: Any = io.StringIO()
    owner: Any = type("Owner", (), {"write": lambda self, data: None})
    ends = [redact_stream(stream, redaction), redact_method(owner, "write", redaction)]
    stream.write = write = texts.append
    owner.write = texts.append

    for end in ends:
        end()

    assert write == stream.write
    assert write == owner.write


def test_the_mask_is_written_if_redaction_fails(broken: Redaction, tmp_path: Path) -> None:
    """No error is raised to the caller of `write` or `close`; text becomes text, and bytes become bytes."""
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    redact_stream(stream, broken)
    written: list[object] = []
    owner: Any = type("Owner", (), {"write": lambda self, data: written.append(data)})
    redact_method(owner, "write", broken)
    file = RedactedFile(tmp_path / "report.txt", "w", broken)

    stream.write(KEY)
    stream.buffer.write(KEY.encode())
    owner().write(KEY)
    owner().write(KEY.encode())
    file.write(KEY)
    file.close()

    assert (MASK * 2).encode() == stream.buffer.getvalue()
    assert [MASK, MASK.encode()] == written
    assert MASK == (tmp_path / "report.txt").read_text("utf-8")


def test_a_file_is_written_once_however_often_it_is_closed(redaction: Redaction, tmp_path: Path) -> None:
    """The second `close` does not write it again."""
    file = RedactedFile(tmp_path / "report.txt", "w", redaction)
    file.write(KEY)
    file.close()
    (tmp_path / "report.txt").unlink()

    file.close()

    assert not (tmp_path / "report.txt").exists()


@pytest.mark.parametrize("mode", ["r", "a", "x", "r+b"])
def test_a_file_is_not_opened_in_a_mode_that_keeps_content(mode: str, redaction: Redaction, tmp_path: Path) -> None:
    """Its content stays as it is."""
    path = tmp_path / "report.xml"
    path.write_text("complete", "utf-8")

    with pytest.raises(ValueError, match="only written as a whole"):
        RedactedFile(path, mode, redaction)

    assert path.read_text("utf-8") == "complete"


def test_a_file_that_cannot_be_replaced_is_unchanged(
    redaction: Redaction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is raised, and no temporary file is left."""
    report = tmp_path / "report.txt"
    report.write_text(KEY, "utf-8")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", fail)

    with pytest.raises(PermissionError):
        redact_file(report, redaction)

    assert [report] == list(tmp_path.iterdir())
    assert KEY == report.read_text("utf-8")


def test_decoding_of_nested_url_encodings_ends() -> None:
    """A text that is encoded more often than anybody would read is not decoded to its end."""
    encoded = f"%{'25' * 50}2F"

    decodings = list(url_decodings(encoded))

    assert encoded == decodings[0]
    assert "/" not in decodings


def test_an_empty_credential_is_not_redacted(redaction: Redaction) -> None:
    """It is contained in every text."""
    redaction.add_derived("")

    assert "text" == redaction("text")
