"""Vendors the published spec anew: spec, lock and merged document, all of them or none."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bctrl import locking
from pytest_bctrl.contract import overlay as overlays
from pytest_bctrl.contract.build import extract, lock_text, render
from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.soundness import sound
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.contract.files import ContractFiles


@dataclass(frozen=True, slots=True)
class Update:
    """A spec that is ready to be vendored: both documents, and the texts that the files would hold."""

    old: Document
    new: Document
    spec: str
    texts: Mapping[Path, str]

    @property
    def changes(self) -> bool:
        """Whether the spec is another than the vendored one, to the letter."""
        return self.old.text != self.spec


def locked_source(files: ContractFiles) -> str:
    """Return where the vendored spec came from. Raises `DocumentError` where the lock does not say."""
    try:
        source = json.loads(read_text(files.lock))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        source = None
    if not isinstance(source, str) or not source:
        raise DocumentError(
            "the lock does not say where the spec came from",
            where=str(files.lock),
            mend="name the source: pytest-bctrl contract update SOURCE",
        )
    return source


def prepare(text: str, source: str, files: ContractFiles, today: date) -> Update:
    """Return what vendoring `text` would write. `source` is recorded where it is a URL, else the lock keeps its own.

    Raises `DocumentError` where the text holds no OpenAPI document, or where the overlay no longer applies to it:
    then it names the action and why.
    """
    new = load_document(text, source)
    spec = extract(text, source) if new.format == "markdown" else new.text.rstrip("\n") + "\n"
    overlay = read_yaml(_read(files.overlay), str(files.overlay))
    merged = overlays.apply(overlay, read_yaml(spec, source), str(files.overlay))
    sound(merged, source)
    old = load_document(_read(files.spec), str(files.spec))
    recorded = source if "://" in source else locked_source(files)
    texts = {
        files.spec: spec,
        files.merged: render(merged),
        files.lock: lock_text(recorded, today.isoformat(), spec),
    }
    return Update(old, new, spec, texts)


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except OSError as error:
        raise DocumentError(
            f"the file cannot be read: {error.strerror}", where=str(path), mend="restore it from the project"
        ) from None


def write(texts: Mapping[Path, str]) -> None:
    """Write all files or none: each is written beside its place first, and put back should one of them fail.

    Raises `DocumentError` where a file cannot be written.
    """
    before = {path: path.read_bytes() if path.exists() else None for path in texts}
    done: list[Path] = []
    current = Path()
    try:
        with ExitStack() as locks:
            staged: dict[Path, Path] = {}
            for path, text in texts.items():
                current = path
                staged[path] = locks.enter_context(locking.held(path))
                locking.fill(staged[path], text.encode(), path)
            for path, temporary in staged.items():
                current = path
                temporary.replace(path)
                done.append(path)
    except OSError as error:
        for path in done:
            _restore(path, before[path])
        raise DocumentError(
            f"it cannot be written: {error.strerror}",
            where=str(current),
            mend="nothing was changed; make the folder writable, or give another: --contracts DIR",
        ) from None


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)
