"""Redaction of what is written to streams and files, on its way out.

The stream stays the object that it is, and its `write` returns what it would return without redaction. An error in
redaction never reaches who writes: then the text is left out.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import Any

from pytest_bctrl.secrets.redaction import MASK, Redaction

_HEAD = 8192
_CONTEXT = 128
"""Characters that were written before and are looked at again: a secret may be written in parts."""


class _Writer:
    """Takes the place of a stream's `write`, once, for however many runs are under way in a process."""

    def __init__(self, write: Callable[..., Any], *, keeps_structure: bool = False) -> None:
        self.write = write
        self._keeps_structure = keeps_structure
        self.redactions: list[Redaction] = []
        self.last: Redaction | None = None
        self._before: str | bytes | None = None
        self.thread = 0
        """The thread that is writing text: what it hands to the buffer is redacted."""

    def add(self, redaction: Redaction) -> None:
        self.last = None
        if redaction not in self.redactions:
            self.redactions.append(redaction)

    def remove(self, redaction: Redaction, *, is_kept: bool) -> None:
        self.redactions.remove(redaction)
        self.last = redaction if is_kept else None

    @property
    def is_used(self) -> bool:
        return bool(self.redactions or self.last)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if named or len(arguments) != 1 or not self.is_used:
            return self.write(*arguments, **named)
        given = arguments[0]
        clean = self._redacted(given)
        self.thread = get_ident()
        try:
            written = self.write(clean)
        finally:
            self.thread = 0
        if clean is not given and isinstance(written, int) and written == len(clean):
            return len(given)
        return written

    def _redacted(self, given: Any) -> Any:
        # A subclass could have methods of its own.
        text = str.__str__(given) if isinstance(given, str) else given
        try:
            clean = self._without_secrets(text)
        except Exception:  # noqa: BLE001 - who writes must not see it, nor may the text be shown
            return MASK if isinstance(text, str) else MASK.encode()
        return given if clean is text else clean

    def _without_secrets(self, text: Any) -> Any:
        redactions: list[Redaction | None] = [*self.redactions] or [self.last]
        if isinstance(text, str):
            before = self._before if isinstance(self._before, str) else ""
            self._before = (before + text[-_CONTEXT:])[-_CONTEXT:]
            for redaction in filter(None, redactions):
                text = redaction.part(before, text, keeps_structure=self._keeps_structure)
            return text
        data = bytes(text)
        context = self._before if isinstance(self._before, bytes) else b""
        self._before = (context + data[-_CONTEXT:])[-_CONTEXT:]
        clean = data
        for redaction in filter(None, redactions):
            clean = redaction.data_bytes(clean, before=context)
        return text if clean is data else clean


class _BufferWriter(_Writer):
    """Takes the place of the `write` of a text stream's buffer, past which only a few write."""

    def __init__(self, write: Callable[..., Any], text: _Writer) -> None:
        super().__init__(write)
        self._text = text

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._text.thread == get_ident():
            return self.write(*arguments, **named)
        return super().__call__(*arguments, **named)


def redact_stream(stream: Any, redaction: Redaction, *, keeps_structure: bool = False) -> Callable[..., None]:
    """Redact all text that is written to a stream, by whoever holds it; return what ends that.

    The bytes that are written to its buffer are redacted too. With `is_kept=True` the end comes with the next run in
    this process: until then, the process shows what made the run end. `keeps_structure` is for a file that has a format
    (see `Redaction.data_bytes`).
    """
    ends = []
    writer = _writer_of(stream, lambda write: _Writer(write, keeps_structure=keeps_structure))
    if writer is not None:
        ends.append(_started(stream, writer, redaction))
        with suppress(Exception):
            buffer = stream.buffer
            text_writer = writer
            buffer_writer = _writer_of(buffer, lambda write: _BufferWriter(write, text_writer))
            if buffer_writer is not None:
                ends.append(_started(buffer, buffer_writer, redaction))

    def end(*, is_kept: bool = False) -> None:
        for stop in ends:
            stop(is_kept=is_kept)

    return end


def _writer_of(stream: Any, make: Callable[[Callable[..., Any]], _Writer]) -> _Writer | None:
    """Return what redacts in place of a stream's `write`, new where there is none; None where that cannot be."""
    try:
        write = stream.write
        if isinstance(write, _Writer):
            return write
        # On the object itself, since others took it before: the terminal reporter, pytest's capture, log handlers.
        writer = make(write)
        stream.write = writer
    except Exception:  # noqa: BLE001 - a stream of somebody else's, which may be anything
        return None
    return writer


def _started(stream: Any, writer: _Writer, redaction: Redaction) -> Callable[..., None]:
    writer.add(redaction)

    def end(*, is_kept: bool = False) -> None:
        if redaction not in writer.redactions:
            return
        writer.remove(redaction, is_kept=is_kept)
        if not writer.is_used:
            with suppress(Exception):
                if stream.write is writer:
                    _restore(stream, writer.write)

    return end


def _restore(stream: Any, write: Callable[..., Any]) -> None:
    del stream.write
    if stream.write != write:
        # It had one of its own before.
        stream.write = write


def redact_method(owner: type, name: str, redaction: Redaction) -> Callable[..., None]:
    """Redact the text or bytes that a method of a class takes; return what ends that."""
    method = getattr(owner, name)

    def write(self: Any, data: Any) -> Any:
        return method(self, _without_secrets(data, redaction))

    setattr(owner, name, write)

    def end(**_named: Any) -> None:
        if getattr(owner, name) is write:
            setattr(owner, name, method)

    return end


def _without_secrets(data: Any, redaction: Redaction) -> Any:
    try:
        return redaction(data) if isinstance(data, str) else redaction.data_bytes(data)
    except Exception:  # noqa: BLE001 - who writes must not see it, nor may the text be shown
        return MASK if isinstance(data, str) else MASK.encode()


class RedactedFile(io.BytesIO):
    """A file to write to that reaches the disk when it is closed, without secrets.

    It takes text or bytes, as its mode says.
    """

    def __init__(self, path: str | os.PathLike[str], mode: str, redaction: Redaction) -> None:
        super().__init__()
        self._path = Path(path)
        self._is_text = "b" not in mode
        self._redaction = redaction

    def write(self, data: Any) -> int:
        """Take text or bytes; return their length."""
        super().write(data.encode("utf-8", "surrogatepass") if self._is_text else data)
        return len(data)

    def close(self) -> None:
        """Write the file."""
        if not self.closed:
            try:
                data = redacted_content(self.getvalue(), self._redaction)
            except Exception:  # noqa: BLE001 - who writes must not see it, nor may the text be shown
                data = MASK.encode()
            super().close()
            self._path.write_bytes(data)


def redacted_content(data: bytes, redaction: Redaction) -> bytes:
    """Return the content of a file without secrets; an image or an archive has no text, and stays as it is."""
    if b"\0" in data[:_HEAD]:
        return data
    return redaction.data_bytes(data, keeps_structure=True)


def redact_file(path: Path, redaction: Redaction) -> None:
    """Replace a file by the same without secrets, whole or not at all.

    Raises `OSError` where it cannot be read or written; it then stays as it is.
    """
    data = path.read_bytes()
    clean = redacted_content(data, redaction)
    if clean != data:
        _replace(path, clean)


def _replace(path: Path, data: bytes) -> None:
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
