"""Makes one document of several: what an OpenAPI document refers to in other files becomes part of it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from os.path import normpath
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import FILES, Document, escape_token, is_self_contained, sibling_path
from pytest_bctrl.contract.json_source import read_json
from pytest_bctrl.contract.model import resolve_pointer
from pytest_bctrl.contract.references import BASE, FRAGMENT, Change, keyword_objects, rewrite_objects
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import DOCUMENT, size

_READ = (".json", ".yaml", ".yml")


def bundle_files(document: Document, read: Callable[[str], str]) -> Any:
    """Return a document's data with what it refers to by a relative path, and what that refers to, and so on.

    `read` returns the text of a file by its name. Raises `DocumentError` where it cannot be read, and for a file that
    the document may not refer to (`_require_readable`). A reference to another host, or to a file that is no JSON or
    YAML by its name, stays, for others to refuse.
    """
    return document.data if is_self_contained(document.text) else _Bundle(document, read).whole()


class _Bundle:
    """A document, and the parts of other files that something leads to, each once."""

    def __init__(self, document: Document, read: Callable[[str], str]) -> None:
        self._document, self._read = document, read
        self._main = PurePath(document.name.rpartition(":")[2]).name
        self._files: dict[str, Any] = {self._main: document.data}
        self._left = DOCUMENT
        self._parts: dict[str, Any] = {}
        self._waiting: list[tuple[str, str]] = []

    def whole(self) -> Any:
        """The data of all as those of one document."""
        main = self._rewritten(self._document.data, self._main)
        while self._waiting:
            key, name = self._waiting.pop()
            self._parts[key] = self._rewritten(self._parts[key], name)
        return {**main, FILES: self._parts} if self._parts else main

    def _rewritten(self, part: Any, name: str) -> Any:
        """A part of a file, with what refers to another one referring to where that is in the document."""
        objects = ((one.pointer, self._said(one.value, name)) for one in keyword_objects(part) if one.base == BASE)
        changes: dict[str, Change] = {place: partial(dict, **said) for place, said in objects if said}
        return rewrite_objects(part, changes) if changes else part

    def _said(self, value: Mapping[str, Any], name: str) -> dict[str, Any]:
        moved = self._moved(value.get("$ref"), name)
        said: dict[str, Any] = {"$ref": moved} if moved else {}
        mapping = value.get("mapping") if "propertyName" in value else None
        if isinstance(mapping, dict):
            said["mapping"] = {kind: self._moved(one, name) or one for kind, one in mapping.items()}
        return said

    def _moved(self, reference: Any, name: str) -> str:
        """Where a reference of a file leads to in the document; empty where it stays as it is."""
        place = _place(name, reference)
        if place is None or (name == self._main and reference.startswith("#")):
            return ""
        other, fragment = place
        if other == self._main:
            return f"#{fragment}"
        _require_readable(self._document.name, other, f"{name} refers to it: {reference}")
        key = f"{other}#{unquote(fragment)}"
        if key not in self._parts:
            data = self._file(other, f"{name} refers to it: {reference}")
            self._parts[key] = resolve_pointer(data, f"#{fragment}", sibling_path(self._document.name, other))
            self._waiting.append((key, other))
        return f"#/{FILES}/{quote(escape_token(key), safe=FRAGMENT)}"

    def _file(self, path: str, hint: str) -> Any:
        if path not in self._files:
            name = sibling_path(self._document.name, path)
            try:
                text = self._read(name)
            except DocumentError as error:
                error.hint = hint
                raise
            self._left -= len(text)
            if self._left < 0:
                raise DocumentError(
                    f"what it refers to is larger than {size(DOCUMENT)}", where=self._document.name, hint="give less"
                )
            self._files[path] = (read_json if path.endswith(".json") else read_yaml)(text, name)
        return self._files[path]


def _require_readable(document: str, path: str, hint: str) -> None:
    """Raise `DocumentError` unless a document may refer to the file at a path from its folder.

    It may where the file is below that folder, and where both are below the working directory. Anything else on the
    machine is closed to it, since the document may be someone else's.
    """
    if not path.startswith("../"):
        return
    working_directory = Path.cwd()
    name = sibling_path(document, path)
    for file in (document, name):
        absolute = Path(normpath(working_directory / file.rpartition(":")[2]))
        if not absolute.is_relative_to(working_directory):
            raise DocumentError(
                "it is outside the folder of the document",
                where=name,
                hint=f"{hint}; run the command in a folder that holds both",
            )


def _place(name: str, reference: Any) -> tuple[str, str] | None:
    """The file and the pointer that a reference in a file leads to; None for another host, and for an anchor."""
    uri, _, fragment = reference.partition("#") if isinstance(reference, str) else (":", "", "")
    if ":" in uri or uri.startswith("/") or fragment[:1] not in ("", "/") or (uri and not uri.endswith(_READ)):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(uri))) if uri else name, fragment
