"""Builds the contract: published page to vendored spec, spec and overlay to the merged document, all files or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pytest_bctrl import locking
from pytest_bctrl.contract import overlay as overlays
from pytest_bctrl.contract.document import Document, load_document, openapi_block, read_file
from pytest_bctrl.contract.files import ContractFiles
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.soundness import sound
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.incoming import read_text


def merged(files: ContractFiles) -> dict[str, Any]:
    """Return the vendored spec with the overlay applied, read afresh from the two YAML files."""
    spec = read_yaml(_read(files.spec), str(files.spec))
    if not isinstance(spec, dict):
        raise DocumentError(
            "it is not an OpenAPI document", where=str(files.spec), hint="vendor the published page again"
        )
    return overlaid(spec, [files.overlay])


def overlaid(document: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """Return a document with further overlays applied, in their order.

    Raises `DocumentError` where one cannot be read, or does not apply.
    """
    made = dict(document)
    for path in paths:
        made = overlays.apply(read_yaml(_read(path), str(path)), made, str(path))
    return made


def render(document: Mapping[str, Any]) -> str:
    """Return a merged document as the text of its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def build(files: ContractFiles) -> bool:
    """Rebuild the merged document from spec and overlay; return whether the file changed.

    Raises `DocumentError` where the spec is not the one that the lock names, or the overlay no longer applies.
    """
    locked = _locked(files, "sha256")
    actual = spec_digest(_read(files.spec))
    if locked != actual:
        raise DocumentError(
            f"the vendored spec is not the one that the lock names (sha256 {actual[:12]}…, not {locked[:12]}…)",
            where=str(files.spec),
            hint="restore the file, or vendor again from the published page",
        )
    text = render(merged(files))
    if files.merged.is_file() and read_text(files.merged) == text:
        return False
    write_files({files.merged: text})
    return True


def extract(page: str, name: str) -> str:
    """Return the OpenAPI document that a published page holds, as `vendored` writes it."""
    return vendored(openapi_block(page, name).text)


def vendored(text: str) -> str:
    """Return a spec as its file holds it: verbatim but for line ends and blank lines at its end.

    Line ends become `\\n`, whatever it was delivered with, so that the same document has the same digest.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def spec_digest(text: str) -> str:
    """SHA-256 of a vendored spec's text in UTF-8, in hex, as the lock holds it."""
    return hashlib.sha256(text.encode()).hexdigest()


def lock_text(source: str, fetched: str, spec: str) -> str:
    """Return the text of the lock: source, date (ISO 8601) and SHA-256 of the vendored spec."""
    return json.dumps({"source": source, "fetched": fetched, "sha256": spec_digest(spec)}, indent=2) + "\n"


def _read(path: Path) -> str:
    return read_file(path, "restore it from the project", "the file")


def contract_of(document: Document, overlay: Path | None) -> Contract:
    """Return a document as a contract, with an overlay applied or, without one, as it stands.

    Raises `DocumentError` where the overlay no longer applies to it, naming the action, and where it is no sound
    OpenAPI 3.0 or 3.1.
    """
    if overlay is None:
        return from_document(document.data, document.name)
    try:
        merged = overlaid(document.data, [overlay])
    except DocumentError as error:
        if error.where == str(overlay):
            raise
        raise DocumentError(
            f"the overlay no longer applies to it, so that it cannot be compared with traffic: {error.problem}",
            where=f"{document.name}, {error.where}",
            hint="change the action in the overlay",
        ) from None
    return from_document(merged, document.name)


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
    return _locked(files, "source")


def _locked(files: ContractFiles, name: str) -> str:
    try:
        value = json.loads(_read(files.lock))[name]
    except (ValueError, KeyError, TypeError):
        value = None
    if isinstance(value, str) and value:
        return value
    raise DocumentError(
        "it is not a lock: a JSON object with source, fetched and sha256",
        where=str(files.lock),
        hint="restore the file, or write it again: pytest-bctrl contract update SOURCE",
    )


def prepare(text: str, source: str, files: ContractFiles, today: date) -> Update:
    """Return what vendoring `text` would write. `source` is recorded where it is a URL, else the lock keeps its own.

    Raises `DocumentError` where the text holds no OpenAPI document, or where the overlay no longer applies to it:
    then it names the action and why.
    """
    new = load_document(text, source)
    spec = extract(text, source) if new.format == "markdown" else vendored(new.text)
    merged = overlaid(read_yaml(spec, source), [files.overlay])
    sound(merged, source)
    old = load_document(_read(files.spec), str(files.spec))
    recorded = source if "://" in source else locked_source(files)
    texts = {files.spec: spec, files.merged: render(merged), files.lock: lock_text(recorded, today.isoformat(), spec)}
    return Update(old, new, spec, texts)


def write_files(texts: Mapping[Path, str], rights: int | None = None) -> None:
    """Write all files or none: each is written beside its place first, and put back should one of them fail.

    Who may read the other files that this user makes may read them. Raises `DocumentError` where one cannot be written.
    """
    before = {path: path.read_bytes() if path.is_file() else None for path in texts}
    done: list[Path] = []
    current = Path()
    try:
        with ExitStack() as locks:
            staged: dict[Path, Path] = {}
            for current, text in texts.items():
                staged[current] = locks.enter_context(locking.held(current))
                locking.fill(staged[current], text.encode(), current, rights)
            for current, temporary in staged.items():
                temporary.replace(current)
                done.append(current)
    except OSError as error:
        changed = [str(path) for path in done if not _put_back(path, before[path])]
        unchanged = f"{', '.join(changed)} was changed before" if changed else "nothing was changed"
        raise DocumentError(
            f"the file cannot be written: {error.strerror}",
            where=str(current),
            hint=f"{unchanged}; give a folder that may be written to",
        ) from None


def _put_back(path: Path, content: bytes | None) -> bool:
    """Give a file its old content, or remove it where it had none; false where that cannot be done."""
    try:
        if content is None:
            path.unlink()
            return True
        with locking.held(path) as part:
            locking.fill(part, content, path)
            part.replace(path)
    except (OSError, BctrlError):
        return False
    return True
