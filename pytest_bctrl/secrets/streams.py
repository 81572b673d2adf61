"""Redacts the text that is written to streams and files.

The stream stays the same object, and its `write` returns the same value as without redaction. An error in redaction is
not raised to the caller of `write`: the text is replaced with the mask.
"""

from __future__ import annotations

import io
import os
from _thread import get_ident
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.secret import to_bytes

_HEAD = 8192
"""Number of bytes in which a binary file has a NUL byte."""
_TEXT_SUFFIXES = frozenset(
    {
        ".csv",
        ".htm",
        ".html",
        ".json",
        ".jsonl",
        ".log",
        ".md",
        ".rst",
        ".sarif",
        ".tap",
        ".tsv",
        ".txt",
        ".xml",
        ".yaml",
    }
)
_CONTEXT = 128
"""Number of previously written characters that are searched again, because a secret may be written in parts."""


class _Writer:
    """Replaces the `write` method of a stream, for all runs in a process."""

    def __init__(self, write: Callable[..., Any]) -> None:
        self.write = write
        self.redactions: list[Redaction] = []
        self.last: Redaction | None = None
        self._before: str | bytes | None = None
        self.thread = 0
        """The id of the thread that is writing text; the bytes that it passes to the buffer are already redacted."""

    def add(self, redaction: Redaction) -> None:
        """Redact the text with one more redaction, and end one that `remove` kept."""
        self.last = None
        if redaction not in self.redactions:
            self.redactions.append(redaction)

    def remove(self, redaction: Redaction, *, is_kept: bool) -> None:
        """End a redaction; with `is_kept`, it still applies as long as no other takes its place."""
        self.redactions.remove(redaction)
        self.last = None
        if is_kept:
            self.last = redaction

    @property
    def is_used(self) -> bool:
        """Whether a redaction still applies."""
        return bool(self.redactions or self.last)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if not self.is_used:
            return self.write(*arguments, **named)
        clean = [self._redacted(data) for data in arguments]
        clean_named = {name: self._redacted(data) for name, data in named.items()}
        self.thread = get_ident()
        try:
            written = self.write(*clean, **clean_named)
        finally:
            self.thread = 0
        # What was passed was written, although its length is another with the mask.
        if len(clean) == 1 and clean[0] is not arguments[0] and isinstance(written, int) and written == len(clean[0]):
            return len(arguments[0])
        return written

    def _redacted(self, data: Any) -> Any:
        """Return data with the secrets masked, the same object if it has none; the mask alone if redaction fails."""
        text = data
        if isinstance(data, str):
            # A subclass could override methods.
            text = str.__str__(data)
        elif not _has_bytes(data):
            return data
        try:
            clean = self._without_secrets(text)
        except Exception:  # noqa: BLE001 - not raised to the caller of `write`, and the text may not be shown
            return _mask_like(text)
        if clean is text:
            return data
        return clean

    def _without_secrets(self, text: Any) -> Any:
        """Return text or bytes with the secrets masked, also those that begin in the stored end of earlier writes."""
        redactions: list[Redaction | None] = [*self.redactions] or [self.last]
        if isinstance(text, str):
            before = ""
            if isinstance(self._before, str):
                before = self._before
            self._before = (before + text[-_CONTEXT:])[-_CONTEXT:]
            for redaction in filter(None, redactions):
                text = redaction.part(before, text)
            return text
        data = bytes(text)
        context = b""
        if isinstance(self._before, bytes):
            context = self._before
        self._before = (context + data[-_CONTEXT:])[-_CONTEXT:]
        clean = data
        for redaction in filter(None, redactions):
            clean = redaction.data_bytes(clean, before=context)
        if clean is data:
            return text
        return clean


class _BufferWriter(_Writer):
    """Replaces the `write` method of a text stream's buffer, to which some programs write directly."""

    def __init__(self, write: Callable[..., Any], text: _Writer) -> None:
        super().__init__(write)
        self._text = text

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._text.thread == get_ident():
            return self.write(*arguments, **named)
        return super().__call__(*arguments, **named)


def redact_stream(stream: Any, redaction: Redaction) -> Callable[..., None]:
    """Redact what is written to a stream and its buffer from now on; return a function that ends the redaction.

    If that function is called with `is_kept=True`, redaction ends with the next run in this process, because the
    process may still print an error of this run.
    """
    ends = []
    writer = _writer_of(stream, _Writer)
    if writer is not None:
        ends.append(_start_redaction(stream, writer, redaction))
        with suppress(Exception):
            buffer = stream.buffer
            text_writer = writer
            buffer_writer = _writer_of(buffer, lambda write: _BufferWriter(write, text_writer))
            if buffer_writer is not None:
                ends.append(_start_redaction(buffer, buffer_writer, redaction))

    def end(*, is_kept: bool = False) -> None:
        """End the redaction of the stream and its buffer."""
        for stop in ends:
            stop(is_kept=is_kept)

    return end


def _writer_of(stream: Any, make: Callable[[Callable[..., Any]], _Writer]) -> _Writer | None:
    """Return the writer in place of a stream's `write`, installed if necessary; None if it cannot be replaced."""
    try:
        write = stream.write
        if isinstance(write, _Writer):
            return write
        # On the stream itself, because other objects already refer to it: terminal reporter, capture, log handlers.
        writer = make(write)
        stream.write = writer
    except Exception:  # noqa: BLE001 - a stream of another package may raise any error
        return None
    return writer


def _start_redaction(stream: Any, writer: _Writer, redaction: Redaction) -> Callable[..., None]:
    """Add a redaction to the writer of a stream, and return the function that ends it."""
    writer.add(redaction)

    def end(*, is_kept: bool = False) -> None:
        """End this redaction, and restore the stream's `write` after the last one."""
        if redaction not in writer.redactions:
            return
        writer.remove(redaction, is_kept=is_kept)
        if not writer.is_used:
            with suppress(Exception):
                if stream.write is writer:
                    _restore_write(stream, writer.write)

    return end


def _restore_write(stream: Any, write: Callable[..., Any]) -> None:
    """Give a stream its own `write` method again."""
    del stream.write
    if stream.write != write:
        # The stream had an attribute `write` before.
        stream.write = write


def redact_method(owner: type, name: str, redaction: Redaction) -> Callable[..., None]:
    """Redact the data passed to a method of a class from now on; return a function that ends the redaction."""
    method = getattr(owner, name)

    def write(self: Any, data: Any) -> Any:
        """Call the method with the secrets in the data masked."""
        return method(self, _without_secrets(data, redaction))

    setattr(owner, name, write)

    def end(**_named: Any) -> None:
        """Restore the method, unless something else replaced it meanwhile."""
        if getattr(owner, name) is write:
            setattr(owner, name, method)

    return end


def _without_secrets(data: Any, redaction: Redaction) -> Any:
    """Return text or bytes with the secrets masked; the mask alone if that fails."""
    try:
        if isinstance(data, str):
            return redaction(data)
        return redaction.data_bytes(data)
    except Exception:  # noqa: BLE001 - not raised to the caller of `write`, and the text may not be shown
        return _mask_like(data)


def _has_bytes(data: Any) -> bool:
    """Return whether data can be read as bytes, as those of `bytes`, an array or a memory view can."""
    try:
        memoryview(data).release()
    except TypeError:
        return False
    return True


def _mask_like(data: Any) -> str | bytes:
    """Return the mask in the type of `data`."""
    if isinstance(data, str):
        return MASK
    return MASK.encode()


class RedactedFile(io.BytesIO):
    """A file that is written without secrets when it is closed; it takes text or bytes, depending on its mode.

    Raises `ValueError` for a mode other than `w` and `wb`.
    """

    def __init__(self, path: str | os.PathLike[str], mode: str, redaction: Redaction) -> None:
        super().__init__()
        if mode not in ("w", "wb"):
            # Python closes a file that is deleted, also one that was not created completely.
            super().close()
            raise ValueError(f"the mode {mode!r} is not supported: a file with secrets is only written as a whole")
        self._path = Path(path)
        self._is_text = "b" not in mode
        self._redaction = redaction

    def write(self, data: Any) -> int:
        """Store text or bytes to be written on closing, and return their length."""
        content = data
        if self._is_text:
            content = to_bytes(data)
        super().write(content)
        return len(data)

    def close(self) -> None:
        """Write the stored content to the file with the secrets masked; only the mask if redaction fails."""
        if not self.closed:
            try:
                data = redacted_content(self._path, self.getvalue(), self._redaction)
            except Exception:  # noqa: BLE001 - not raised to the caller of `close`, and the text may not be shown
                data = MASK.encode()
            super().close()
            self._path.write_bytes(data)


def redacted_content(path: Path, data: bytes, redaction: Redaction) -> bytes:
    """Return the content of a file with the secrets masked; that of a binary file, such as an image, as it is.

    A NUL byte in a report of text comes from the output of a test.
    """
    if b"\0" in data[:_HEAD] and path.suffix.lower() not in _TEXT_SUFFIXES:
        return data
    return redaction.data_bytes(data)


def redact_file(path: Path, redaction: Redaction) -> None:
    """Mask the secrets in a file, and replace it if it contained any.

    Raises `OSError`, and leaves the file unchanged, if it cannot be read or written.
    """
    data = path.read_bytes()
    clean = redacted_content(path, data, redaction)
    if clean != data:
        _replace_content(path, clean)


def redact_name(path: Path, redaction: Redaction) -> None:
    """Rename a file whose name contains a secret: masked, as in the links of redacted reports, or also numbered.

    Raises `OSError`, and leaves the file unchanged, if it cannot be renamed.
    """
    name = redaction(path.name)
    if name == path.name:
        return
    target = path.with_name(name)
    number = 2
    while target.exists():
        target = path.with_name(f"{Path(name).stem} {number}{Path(name).suffix}")
        number += 1
    path.rename(target)


def _replace_content(path: Path, data: bytes) -> None:
    """Replace the content of a file atomically, and keep its permissions."""
    mode = path.stat().st_mode
    import tempfile

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
