"""Makes one document of several: what an OpenAPI document refers to in other files becomes part of it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import FILES, Document, beside, escaped, is_alone
from pytest_bctrl.contract.json_source import read_json
from pytest_bctrl.contract.model import pointer
from pytest_bctrl.contract.references import BASE, FRAGMENT, Change, keyworded, rewritten
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import DOCUMENT, size

_READ = (".json", ".yaml", ".yml")


def bundled(document: Document, read: Callable[[str], str]) -> Any:
    """Return a document's data with what it refers to by a relative path, and what that refers to, and so on.

    `read` returns the text of a file by its name. Raises `DocumentError` where it cannot be read. A reference to
    another host, or to a file that is no JSON or YAML by its name, stays, for others to refuse.
    """
    if is_alone(document.text):
        return document.data
    main = PurePath(document.name.rpartition(":")[2]).name
    files: dict[str, Any] = {main: document.data}
    made: dict[str, Any] = {}
    waiting, left = [("", main, document.data)], DOCUMENT
    while waiting:
        key, name, part = waiting.pop()
        changes: dict[str, Change] = {}
        for one in keyworded(part):
            place = _place(name, one.value.get("$ref")) if one.base == BASE else None
            if place is None or (not key and one.value["$ref"].startswith("#")):
                continue
            other, fragment = place
            if other not in files:
                file = beside(document.name, other)
                try:
                    text = read(file)
                except DocumentError as error:
                    error.hint = f"{name} refers to it: {one.value['$ref']}"
                    raise
                left -= len(text)
                if left < 0:
                    raise DocumentError(
                        f"what it refers to is larger than {size(DOCUMENT)}", where=document.name, hint="give less"
                    )
                files[other] = (read_json if other.endswith(".json") else read_yaml)(text, file)
            target = fragment
            if other != main:
                inner = f"{other}#{unquote(fragment)}"
                if inner not in made:
                    made[inner] = pointer(files[other], f"#{fragment}", beside(document.name, other))
                    waiting.append((inner, other, made[inner]))
                target = f"/{FILES}/{quote(escaped(inner), safe=FRAGMENT)}"
            changes[one.pointer] = partial(dict, **{"$ref": f"#{target}"})
        made[key] = rewritten(part, changes) if changes else part
    whole = made.pop("")
    return {**whole, FILES: made} if made else document.data


def _place(name: str, reference: Any) -> tuple[str, str] | None:
    """The file and the pointer that a reference in a file leads to; None for another host, and for an anchor."""
    uri, _, fragment = reference.partition("#") if isinstance(reference, str) else (":", "", "")
    if ":" in uri or uri.startswith("/") or fragment[:1] not in ("", "/") or (uri and not uri.endswith(_READ)):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(uri))) if uri else name, fragment
