"""Builds the contract: vendors the published spec, and merges spec and overlay; writes all files or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from pytest_bctrl.contract import overlay as overlays
from pytest_bctrl.contract.document import FILES, Document, read_file
from pytest_bctrl.contract.files import ContractFiles, shown_path
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, read_bundle
from pytest_bctrl.contract.soundness import validate_document
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.escaping import escape_json
from pytest_bctrl.files import locking
from pytest_bctrl.files.limits import read_text


def merge_contract(files: ContractFiles) -> dict[str, Any]:
    """Return the spec with the overlay applied. Raises `DocumentError` if a file is missing or invalid."""
    if not files.is_vendored:
        return apply_overlays(read_bundle(files.spec, "the contract"), [files.overlay])
    spec = read_yaml(_read_project_file(files.spec), str(files.spec))
    if not isinstance(spec, dict):
        raise DocumentError(
            "it is not an OpenAPI document", where=str(files.spec), hint="vendor the published page again"
        )
    return apply_overlays(spec, [files.overlay])


def apply_overlays(document: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """Return a document with the overlays at these paths applied in order.

    Raises `DocumentError` if an overlay cannot be read or does not apply.
    """
    merged = dict(document)
    for path in paths:
        merged = overlays.apply_overlay(read_yaml(_read_project_file(path), str(path)), merged, str(path))
    return merged


def render(document: Mapping[str, Any]) -> str:
    """Return a merged document as the text of its file."""
    return escape_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def build(files: ContractFiles) -> bool:
    """Rebuild the merged document from spec and overlay; return whether the file changed.

    Raises `DocumentError` if a vendored spec does not match the lock, or if the overlay no longer applies.
    """
    if files.is_vendored:
        require_locked(files)
    text = render(merge_contract(files))
    if files.merged.is_file() and read_text(files.merged) == text:
        return False
    write_files({files.merged: text})
    return True


def require_locked(files: ContractFiles) -> None:
    """Raise `DocumentError` if the spec does not match its lock, as after an edit by hand, or either is unreadable."""
    locked = _lock_entry(files, "sha256")
    actual = spec_digest(_read_project_file(files.spec))
    if locked != actual:
        raise DocumentError(
            f"the vendored spec is not the one that the lock names (sha256 {actual[:12]}…, not {locked[:12]}…)",
            where=str(files.spec),
            hint="restore the file, or vendor again from the published page",
        )


def normalise_spec(text: str) -> str:
    """Return a spec with `\\n` as line end and without blank lines at its end, so that its digest is stable."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def spec_digest(text: str) -> str:
    """Return the SHA-256 of a vendored spec's text in UTF-8, in hex, as recorded in the lock."""
    return hashlib.sha256(text.encode()).hexdigest()


def lock_text(
    source: str,
    fetched: str,
    spec: str,
    source_text: str = "",
    page_url: str = "",
    samples: Mapping[str, str] | None = None,
) -> str:
    """Return the text of the lock: source, date (ISO 8601), digests of spec and source, page URL, and `samples`.

    An empty argument is left out. `source_text` is the content of `source`. `page_url` is where the spec is published,
    if that is not the source. `samples` are the digests of the other code blocks of a page.
    """
    lock: dict[str, Any] = {"source": source, "fetched": fetched, "sha256": spec_digest(spec)}
    if source_text:
        lock["source_sha256"] = spec_digest(source_text)
    if page_url:
        lock["page"] = page_url
    if samples:
        lock["samples"] = dict(samples)
    return json.dumps(lock, indent=2) + "\n"


def _read_project_file(path: Path) -> str:
    """Return the text of a file; raises `DocumentError` with the hint to restore it."""
    return read_file(path, "restore it from the project", "the file")


def contract_with_overlay(document: Document, overlay: Path | None) -> Contract:
    """Return the contract of a document, with an overlay applied if there is one.

    Raises `DocumentError` if the overlay no longer applies, naming the action, or if the document is not valid
    OpenAPI 3.0, 3.1 or 3.2.
    """
    if overlay is None:
        return from_document(document.data, document.name)
    try:
        merged = apply_overlays(document.data, [overlay])
    except DocumentError as error:
        if error.where == str(overlay):
            raise
        raise DocumentError(
            f"the overlay no longer applies to it, so that it cannot be compared with traffic: {error.problem}",
            where=f"{document.name}, {error.where}",
            hint="change the action in the overlay",
        ) from None
    return from_document(merged, document.name)


def published_url(files: ContractFiles) -> str:
    """Return the URL where the spec is published, according to the lock; raises `DocumentError` if it names none.

    So it does if the lock cannot be read.
    """
    source = _lock_entry(files, "source")
    if is_url(source):
        return source
    try:
        return _lock_entry(files, "page")
    except DocumentError:
        raise DocumentError(
            f"it names no URL where the spec is published: it was read from {source}",
            where=str(files.lock),
            hint="name the source, or set bctrl_upstream",
        ) from None


def is_url(source: str) -> bool:
    """Return whether a source is a URL rather than a local file."""
    return "://" in source


def _lock_entry(files: ContractFiles, name: str) -> str:
    """Return the text of an entry of the lock. Raises `DocumentError` if the lock does not have it."""
    try:
        value = json.loads(_read_project_file(files.lock))[name]
    except (ValueError, KeyError, TypeError):
        value = None
    if isinstance(value, str) and value:
        return value
    raise DocumentError(
        "it is not a lock: a JSON object with source, fetched and sha256",
        where=str(files.lock),
        hint="restore the file, or write it again: pytest-bctrl contract update SOURCE",
    )


def updated_texts(
    new: Document, bundled: Mapping[str, Any], page: str, spec: Path, files: ContractFiles | None, today: date
) -> dict[Path, str]:
    """Return the new text of the spec at a path, and of the files of its contract that depend on it, if there are any.

    `bundled` is the new document with the files that it refers to, and `page` the text that it was read from. The lock
    of a vendored spec records the source, the digests of both texts, and the date. Raises `DocumentError` if nothing in
    the document is valid, or if the overlay no longer applies to it, naming the action and the reason.
    """
    text = normalise_spec(new.text)
    if FILES in bundled or (spec.suffix == ".json" and not text.lstrip().startswith("{")):
        text = render(bundled)
    if files is None:
        from_document(bundled, new.name)
        return {spec: text}
    merged = apply_overlays(bundled, [files.overlay])
    texts = {files.spec: text, files.merged: render(merged)}
    if files.is_vendored:
        validate_document(merged, new.name)
        url = "" if is_url(new.name) else _published_url_if_known(files)
        texts[files.lock] = lock_text(recorded_source(new.name), today.isoformat(), text, page, url, new.samples)
    else:
        from_document(merged, new.name)
    return texts


def _published_url_if_known(files: ContractFiles) -> str:
    """Return the URL where the spec is published; empty if the lock names none or cannot be read."""
    try:
        return published_url(files)
    except DocumentError:
        return ""


def recorded_source(source: str) -> str:
    """Return a source as the lock records it: a path below the working directory is relative to it."""
    if is_url(source) or source.startswith("git:"):
        return source
    return shown_path(Path(source))


def write_files(texts: Mapping[Path, str], rights: int | None = None, *, new: Collection[Path] = ()) -> None:
    """Write all files; if one cannot be written, raise `DocumentError` after an attempt to restore the others.

    Each is first written to a temporary file. The files get the usual permissions of the user's files. Those in `new`
    must not exist with another content. The error names files that could not be restored.
    """
    before = {path: _bytes_of_file(path) for path in texts}
    done: list[Path] = []
    current = Path()
    try:
        with ExitStack() as locks:
            staged: dict[Path, Path] = {}
            for current, text in texts.items():
                staged[current] = locks.enter_context(locking.locked(current))
                locking.write_part(staged[current], text.encode(), current, rights)
            for current, temporary in staged.items():
                if current in new:
                    locking.create(temporary, current)
                else:
                    temporary.replace(current)
                done.append(current)
    except OSError as error:
        changed = [str(path) for path in done if not _restore_file(path, before[path])]
        effect = "nothing was changed"
        if changed:
            effect = f"{', '.join(changed)} was changed before"
        raise DocumentError(
            f"the file cannot be written: {error.strerror}",
            where=str(current),
            hint=f"{effect}; give a folder that may be written to",
        ) from None


def _bytes_of_file(path: Path) -> bytes | None:
    """Return the content of a file, or None if the file does not exist."""
    if path.is_file():
        return path.read_bytes()
    return None


def _restore_file(path: Path, content: bytes | None) -> bool:
    """Write back the old content of a file, or remove a new file; return whether that succeeded."""
    try:
        if content is None:
            path.unlink()
            return True
        with locking.locked(path) as part:
            locking.write_part(part, content, path)
            part.replace(path)
    except (OSError, BctrlError):
        return False
    return True
