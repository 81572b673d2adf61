"""Reading a path or standard input: accepted input, its name, and errors."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift.sources import read_source, read_text
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import DOCUMENT

from .published import TEXT, written

HINT = "(give a URL that begins with https://, a path, or - for standard input)"


class Endless(io.RawIOBase):
    """An endless stream, which fails a reader that does not stop."""

    given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what a reader hands over
        """Fill the buffer; fail if too much is read."""
        self.given += len(buffer)
        assert self.given <= 2 * DOCUMENT
        buffer[:] = b"#" * len(buffer)
        return len(buffer)


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Replace standard input by a stream of these bytes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def error_message(source: str) -> str:
    """Return the message of the `DocumentError` for a source."""
    with pytest.raises(DocumentError) as caught:
        read_text(source)
    return str(caught.value)


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, TEXT.encode())
    document = read_source("-")
    assert (document.name, document.text) == ("standard input", TEXT)


def test_a_document_is_named_after_its_path(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT, "spec.yaml")
    assert read_source(path).name == path


def test_an_identical_document_reuses_the_data_of_the_previous_one(tmp_path: Path) -> None:
    """`read_source(previous=…)` returns the same object under the new name."""
    previous = load_document(TEXT, "vendored.yaml")
    read = read_source(written(tmp_path, TEXT, "spec.yaml"), previous=previous)
    assert read.data is previous.data
    assert read.name != previous.name


def test_a_byte_order_mark_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(TEXT.encode("utf-8-sig"))
    assert read_text(str(path)) == TEXT


def test_a_document_of_10_mb_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"#" * DOCUMENT)
    assert len(read_text("-")) == DOCUMENT
    assert len(read_text(written(tmp_path, "#" * DOCUMENT))) == DOCUMENT


def test_a_document_larger_than_10_mb_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    too_much = "larger than 10 MB (give a smaller document)"
    standard_input(monkeypatch, b"#" * (DOCUMENT + 1))
    assert error_message("-") == f"standard input: {too_much}"
    path = written(tmp_path, "#" * (DOCUMENT + 1))
    assert error_message(path) == f"{path}: {too_much}"


def test_an_endless_stream_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(Endless())))
    assert "larger than 10 MB" in error_message("-")


def test_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert error_message("-") == f"standard input: it is closed {HINT}"


def test_the_error_for_invalid_utf_8_has_the_byte_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latin = "openapi: 3.1.0 # é".encode("latin-1")
    (tmp_path / "spec.yaml").write_bytes(latin)
    standard_input(monkeypatch, latin)
    assert error_message("-") == "standard input: not UTF-8 text (byte 17) (save it as UTF-8)"
    assert (
        error_message(str(tmp_path / "spec.yaml"))
        == f"{tmp_path / 'spec.yaml'}: not UTF-8 text (byte 17) (save it as UTF-8)"
    )


def test_a_missing_file_is_an_error() -> None:
    assert error_message("gone.yaml") == f"gone.yaml: the file does not exist {HINT}"


@pytest.mark.skipif("sys.platform == 'win32'", reason="the system says it in other words")
def test_a_folder_is_an_error(tmp_path: Path) -> None:
    assert error_message(str(tmp_path)) == f"{tmp_path}: the file cannot be read: Is a directory {HINT}"


def test_control_characters_in_a_path_are_escaped_in_the_error() -> None:
    message = error_message("a\0b")
    assert message.startswith("a\\x00b: the file cannot be read: embedded null ")
    assert message.endswith(HINT)
