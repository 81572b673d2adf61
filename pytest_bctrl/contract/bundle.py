"""Makes one document of several: what a contract refers to in other files becomes part of it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import escaped, read_file
from pytest_bctrl.contract.json_source import read_json
from pytest_bctrl.contract.model import pointer
from pytest_bctrl.contract.references import BASE, FRAGMENT, Change, keyworded, rewritten
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import DOCUMENT, size

_FILES = "x-bctrl-files"
"""Where the parts of other files stand in the document, by their paths from its folder and their pointers."""


def bundled(document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Return a document with what it refers to by a relative path, and what that refers to, and so on.

    Raises `DocumentError` where a file cannot be read. A reference to another host stays, for others to refuse.
    """
    files: dict[str, Any] = {path.name: document}
    made: dict[str, Any] = {}
    waiting, left = [("", path.name, document)], DOCUMENT
    while waiting:
        key, name, part = waiting.pop()
        changes: dict[str, Change] = {}
        for one in keyworded(part):
            place = _place(name, one.value.get("$ref")) if one.base == BASE else None
            if place is None or (not key and one.value["$ref"].startswith("#")):
                continue
            other, fragment = place
            if other not in files:
                file = path.parent / other
                text = read_file(file, f"{name} refers to it: {one.value['$ref']}", "the file")
                left -= len(text)
                if left < 0:
                    raise DocumentError(
                        f"what it refers to is larger than {size(DOCUMENT)}", where=str(path), hint="give less"
                    )
                files[other] = (read_json if other.endswith(".json") else read_yaml)(text, str(file))
            target = fragment
            if other != path.name:
                inner = f"{other}#{unquote(fragment)}"
                if inner not in made:
                    made[inner] = pointer(files[other], f"#{fragment}", str(path.parent / other))
                    waiting.append((inner, other, made[inner]))
                target = f"/{_FILES}/{quote(escaped(inner), safe=FRAGMENT)}"
            changes[one.pointer] = partial(dict, **{"$ref": f"#{target}"})
        made[key] = rewritten(part, changes) if changes else part
    whole = made.pop("")
    return {**whole, _FILES: made} if made else document


def _place(name: str, reference: Any) -> tuple[str, str] | None:
    """The file and the pointer that a reference in a file leads to; None for another host, and for an anchor."""
    uri, _, fragment = reference.partition("#") if isinstance(reference, str) else (":", "", "")
    if ":" in uri or uri.startswith("/") or fragment[:1] not in ("", "/"):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(uri))) if uri else name, fragment
