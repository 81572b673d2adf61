"""Builds the contract: published page to vendored spec, spec and overlay to the merged document."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_bctrl.contract import overlay as overlays
from pytest_bctrl.contract.files import ContractFiles
from pytest_bctrl.contract.page import openapi_block
from pytest_bctrl.errors import DocumentError


def parse_yaml(text: str, name: str) -> Any:
    """Parse a YAML text safely; raises `DocumentError` with line and reason."""
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DocumentError(f"it is not YAML: {reason}", where=name, mend="mend the file") from None


def merged(files: ContractFiles) -> dict[str, Any]:
    """Return the vendored spec with the overlay applied, read afresh from the two YAML files."""
    spec = parse_yaml(_read(files.spec), str(files.spec))
    overlay = parse_yaml(_read(files.overlay), str(files.overlay))
    return overlays.apply(overlay, spec, str(files.overlay))


def render(document: Mapping[str, Any]) -> str:
    """Return a merged document as the text of its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def build(files: ContractFiles) -> bool:
    """Rebuild the merged document from spec and overlay; return whether the file changed.

    Raises `DocumentError` where the spec is not the one that the lock names, or the overlay no longer applies.
    """
    lock = json.loads(_read(files.lock))
    actual = spec_digest(_read(files.spec))
    if lock.get("sha256") != actual:
        raise DocumentError(
            f"the vendored spec is not the one that the lock names (sha256 {actual[:12]}…, not "
            f"{str(lock.get('sha256'))[:12]}…)",
            where=str(files.spec),
            mend="restore the file, or vendor anew from the published page",
        )
    text = render(merged(files))
    if files.merged.is_file() and files.merged.read_text("utf-8") == text:
        return False
    write_atomically(files.merged, text)
    return True


def extract(page: str, name: str) -> str:
    """Return the OpenAPI document that a published page holds, verbatim but for blank lines at its end."""
    return openapi_block(page, name).text.rstrip("\n") + "\n"


def spec_digest(text: str) -> str:
    """SHA-256 of a vendored spec's text in UTF-8, in hex, as the lock holds it."""
    return hashlib.sha256(text.encode()).hexdigest()


def lock_text(source: str, fetched: str, spec: str) -> str:
    """Return the text of the lock: source, date (ISO 8601) and SHA-256 of the vendored spec."""
    return json.dumps({"source": source, "fetched": fetched, "sha256": spec_digest(spec)}, indent=2) + "\n"


def write_atomically(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise DocumentError(
            f"the file cannot be read: {error.strerror}", where=str(path), mend="restore it from the project"
        ) from None
