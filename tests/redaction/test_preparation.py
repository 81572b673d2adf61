"""Text is redacted while the search for a new secret is prepared, in the same thread and in others."""

from __future__ import annotations

from threading import Event, Thread, current_thread

import pytest

from pytest_bctrl.secrets import prepared
from pytest_bctrl.secrets.encodings import KeyEncoding, encodings_of
from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.secret import AddedSecret, Secret
from tests.test_redaction import KEY, SPECIAL


@pytest.mark.parametrize("is_first", [True, False])
def test_text_is_redacted_while_another_thread_prepares_the_search(
    monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    """Until the search with a new secret is ready, that secret is masked in other threads."""
    redact, is_preparing, is_written = Redaction(), Event(), Event()
    if not is_first:
        redact.add(Secret(SPECIAL))
        assert MASK == redact(SPECIAL)
    redact.add(Secret(KEY))
    thread = Thread(target=redact, args=("text",))

    def encodings_in_a_while(value: str, *, has_parts: bool) -> list[KeyEncoding]:
        if current_thread() is thread and not is_preparing.is_set():
            is_preparing.set()
            assert is_written.wait(60)
        return encodings_of(value, has_parts=has_parts)

    monkeypatch.setattr("pytest_bctrl.secrets.prepared.encodings_of", encodings_in_a_while)
    thread.start()
    assert is_preparing.wait(60)
    try:
        assert MASK == redact(KEY)
    finally:
        is_written.set()
        thread.join()


def test_what_is_written_while_the_search_is_prepared_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preparation imports modules, and pytest's `--debug` writes a trace of imports: the plain secret is masked."""
    redaction = Redaction()
    redaction.add(KEY)
    written: list[object] = []

    class Traced(prepared.PreparedSecrets):
        def __init__(self, entries: dict[str, AddedSecret]) -> None:
            written.append(redaction(f"import {KEY}"))
            written.append(redaction.data_bytes(f"import {KEY}".encode()))
            super().__init__(entries)

    monkeypatch.setattr(prepared, "PreparedSecrets", Traced)
    assert f"a {MASK}" == redaction(f"a {KEY}")
    assert [f"import {MASK}", f"import {MASK}".encode()] == written
