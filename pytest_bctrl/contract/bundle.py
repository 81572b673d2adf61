"""Bundles the files of an OpenAPI document: the parts of other files that it refers to become part of it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from os.path import normpath
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import FILES, UNREAD, Document, escape_token, is_self_contained, sibling_path
from pytest_bctrl.contract.inlining import inline_references
from pytest_bctrl.contract.json_source import read_json
from pytest_bctrl.contract.references import BASE, FRAGMENT, Change, keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import DOCUMENT, size

_READABLE = (".json", ".yaml", ".yml")


def bundle_files(document: Document, read: Callable[[str], str]) -> Any:
    """Return a document's data with the parts of other files that its relative references lead to, as far as readable.

    `read` returns the text of a file by its name. A reference remains, and is rejected later, if its file cannot be
    read, if the document may not refer to it (`_require_allowed_file`), if it is on another host, or if its name is not
    that of a JSON or YAML file. The first two kinds are listed under `UNREAD`, with the reason.
    """
    if is_self_contained(document.text):
        return inline_references(document.data)
    return inline_references(_Bundle(document, read).bundle(), with_maps=True)


class _Bundle:
    """A document and the parts of other files that references lead to, each once."""

    def __init__(self, document: Document, read: Callable[[str], str]) -> None:
        self._document, self._read = document, read
        self._main = PurePath(document.name.rpartition(":")[2]).name
        self._files: dict[str, Any] = {self._main: document.data}
        self._remaining = DOCUMENT
        self._parts: dict[str, Any] = {}
        self._pending: list[tuple[str, str]] = []
        self._unread: dict[str, tuple[str, str]] = {}

    def bundle(self) -> dict[str, Any]:
        """Return the document with the parts of other files that references lead to, and the unread references."""
        main = self._with_bundled_references(self._document.data, self._main)
        while self._pending:
            key, name = self._pending.pop()
            self._parts[key] = self._with_bundled_references(self._parts[key], name)
        bundled: dict[str, Any] = main
        if self._parts:
            bundled = {**bundled, FILES: self._parts}
        if self._unread:
            bundled = {**bundled, UNREAD: self._unread}
        return bundled

    def _with_bundled_references(self, part: Any, name: str) -> Any:
        """Return a part of a file with references into the bundled document, to which their targets are added."""
        changes: dict[str, Change] = {}
        for keyword_object in keyword_objects(part):
            if keyword_object.base != BASE:
                continue
            replacements = self._new_members(keyword_object.value, name)
            if replacements:
                changes[keyword_object.pointer] = partial(dict, **replacements)
        if not changes:
            return part
        return rewrite_objects(part, changes)

    def _new_members(self, value: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return the new values of an object's `$ref` and `mapping` that refer to other files."""
        replacements: dict[str, Any] = {}
        reference = self._new_reference(value.get("$ref"), name)
        if reference:
            replacements["$ref"] = reference
        mapping = value.get("mapping")
        if "propertyName" in value and isinstance(mapping, dict):
            replacements["mapping"] = {
                key: self._new_reference(target, name) or target for key, target in mapping.items()
            }
        return replacements

    def _new_reference(self, reference: Any, name: str) -> str:
        """Add a reference's target to the bundled document; return its new reference, or "" if the old one stays.

        It also stays if its target cannot be read, which is recorded with the reason.
        """
        target = _split_reference(name, reference)
        if target is None or (name == self._main and reference.startswith("#")):
            return ""
        file, fragment = target
        if file == self._main:
            return f"#{fragment}"
        key = f"{file}#{unquote(fragment)}"
        if key not in self._parts:
            try:
                _require_allowed_file(self._document.name, file, f"{name} refers to it: {reference}")
                data = self._read_file_data(file, f"{name} refers to it: {reference}")
                self._parts[key] = resolve_pointer(data, f"#{fragment}", sibling_path(self._document.name, file))
            except DocumentError as error:
                self._unread.setdefault(reference, (f"{error.where}: {error.problem}", error.hint))
                return ""
            self._pending.append((key, file))
        return f"#/{FILES}/{quote(escape_token(key), safe=FRAGMENT)}"

    def _read_file_data(self, path: str, hint: str) -> Any:
        """Return the data of a file, read only once; raises `DocumentError`, with `hint` if its text cannot be read."""
        if path in self._files:
            return self._files[path]
        name = sibling_path(self._document.name, path)
        try:
            text = self._read(name)
        except DocumentError as error:
            error.hint = hint
            raise
        self._remaining -= len(text)
        if self._remaining < 0:
            raise DocumentError(
                f"what it refers to is larger than {size(DOCUMENT)}", where=self._document.name, hint="give less"
            )
        parse = read_json if path.endswith(".json") else read_yaml
        self._files[path] = parse(text, name)
        return self._files[path]


def _require_allowed_file(document: str, path: str, hint: str) -> None:
    """Raise `DocumentError` if a file is outside the document's folder, unless both are below the working directory.

    `path` is the path of the file from that folder. Other files of the machine are not read, because the document may
    come from somebody else.
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


def _split_reference(file: str, reference: Any) -> tuple[str, str] | None:
    """Return the file and pointer that a reference in `file` leads to; None for a URL, absolute path or anchor.

    So it is for a file whose name is not that of a JSON or YAML file, and for a value that is not a text.
    """
    if not isinstance(reference, str):
        return None
    uri, _, fragment = reference.partition("#")
    # Decoded first: %2F and %3A would otherwise make an absolute path or a URL of a relative one.
    path = unquote(uri)
    if ":" in path or "\\" in path or path.startswith("/") or fragment[:1] not in ("", "/"):
        return None
    if not path:
        return file, fragment
    if not path.endswith(_READABLE):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), path)), fragment
