"""Loads an OpenAPI document from text: YAML, JSON, or a Markdown page that contains one in a fenced block."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from itertools import count
from os.path import normpath
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import DOCUMENT, TooLargeError, read_text, size

Format = Literal["yaml", "json", "markdown"]

SUPPORTED = ("3.0", "3.1", "3.2")
"""The OpenAPI minor versions that can be read."""

FILES = "x-bctrl-files"
"""The key under which a document holds parts of other files, by relative path and pointer."""

UNREAD = "x-bctrl-unread"
"""The key under which a document holds the references to other files that could not be read, with the reasons."""

INLINED = "x-bctrl-inlined"
"""The key under which a document holds the pointers of inlined parts, and the pointers that they came from."""

SAMPLES = "x-bctrl-samples"
"""The key under which in-memory data holds the digests of the page's other code blocks, by name."""

EXCLUDED = "x-bctrl-excluded"
"""The key of an invalid operation, response or request body. A part that others refer to is still in it."""

_TOP_LEVEL_OPENAPI = re.compile(r"^[\"']?openapi[\"']?[ \t]*:", re.MULTILINE)
_BESIDE = re.compile(r"""\$ref["']?\s*:\s*(?:[>|][-+]?\s+)?["']?[^#"'\s>|]""")
_FILE_NAME = re.compile(r"\.(?:json|ya?ml)\b")
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_VERSION = re.compile(r"(3\.\d+)(?:\.\d+)?(?:-.+)?")


class Document(NamedTuple):
    """An OpenAPI document and where it came from.

    `text` is the OpenAPI text verbatim (of a page, the text of the block), and `first_line` the line of the file on
    which it starts. `lines` caches the lines of pointers. `samples` are the digests of the page's other code blocks.
    """

    # Not a dataclass, which would take a third of the start-up time of the drift comparison.
    data: dict[str, Any]
    format: Format
    name: str
    text: str
    first_line: int
    lines: dict[str, int]
    samples: Mapping[str, str] = MappingProxyType({})

    @property
    def version(self) -> str:
        """The OpenAPI version, as the document states it."""
        return str(self.data["openapi"])

    def source_location(self, pointer: str) -> tuple[str, str]:
        """Return the name of the file that the value at a pointer came from, and its pointer in that file."""
        pointer = self._original_pointer(pointer)
        if not pointer.startswith(f"/{FILES}/"):
            return self.name, pointer
        key, slash, tail = pointer.removeprefix(f"/{FILES}/").partition("/")
        file, _, parent = unescape_token(key).partition("#")
        return sibling_path(self.name, file), f"{parent}{slash}{tail}"

    def _original_pointer(self, pointer: str) -> str:
        """Return the pointer of a value before parts were inlined."""
        inlined: Mapping[str, str] = self.data.get(INLINED, {})
        copy = pointer
        while copy and inlined:
            if copy in inlined:
                pointer, copy = f"{inlined[copy]}{pointer.removeprefix(copy)}", inlined[copy]
            copy = copy.rpartition("/")[0]
        return pointer

    def line(self, pointer: str) -> int | None:
        """Return the line on which the value at a JSON pointer begins; None without a text or for another file.

        For a pointer that is not in the document, it is the line of the nearest parent. The first call determines the
        lines, so that a run without findings does not pay for them.
        """
        pointer = self._original_pointer(pointer)
        if not self.text or pointer.startswith(f"/{FILES}/"):
            return None
        self.find_lines([pointer])
        return self.lines[pointer] + self.first_line - 1

    def find_lines(self, pointers: Collection[str]) -> None:
        """Determine the lines of many pointers at once, so that `line` need not read the text for each."""
        if not self.text or self.lines.keys() >= set(pointers):
            return
        lines: dict[str, int] = {}
        if self.text.lstrip().startswith("{") and self.format != "yaml":
            from pytest_bctrl.contract.json_source import json_lines

            lines = json_lines(self.text, pointers)
        else:
            read_yaml(self.text, self.name, lines)
        for pointer in pointers:
            nearest = pointer
            while nearest not in lines and nearest:
                nearest = nearest.rpartition("/")[0]
            self.lines[pointer] = lines.get(nearest, 1)


def read_file(path: Path, hint: str, what: str = "it", name: str = "", *, keep_line_ends: bool = False) -> str:
    """Return the text of a file; raises `DocumentError` with `hint` if it cannot be read.

    The error describes the file as `what`, and its location as `name`. For too large a JSON file, it has another hint.
    Line ends become line feeds, unless `keep_line_ends` is set.
    """
    try:
        return read_text(path, keep_line_ends=keep_line_ends)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8"
        if isinstance(error, TooLargeError) and path.suffix == ".json":
            hint = f"without indentation it may be small enough: jq -c . {path.name} > small.json"
        raise DocumentError(f"{what} cannot be read: {cause}", where=name or str(path), hint=hint) from None


def shown_pointer(pointer: str) -> str:
    """Return a pointer as messages show it: `#` and the pointer, after the path of the file if it is another one."""
    if not pointer.startswith(f"/{FILES}/"):
        return f"#{pointer}"
    key, slash, tail = pointer.removeprefix(f"/{FILES}/").partition("/")
    file, _, parent = unescape_token(key).partition("#")
    return f"{file}#{parent}{slash}{tail}"


def sibling_path(name: str, relative_path: str) -> str:
    """Return the name of the file at a path relative to the file `name`, which may be of a Git revision."""
    revision, colon, path = name.rpartition(":")
    return f"{revision}{colon}{normpath(Path(path).parent / relative_path)}"


def is_self_contained(text: str) -> bool:
    """Return whether an OpenAPI text certainly refers to no other file, as nearly all do.

    The `mapping` of a discriminator may refer to files too.
    """
    return not _BESIDE.search(text) and not ("mapping" in text and _FILE_NAME.search(text))


def load_document(text: str, name: str, previous: Document | None = None) -> Document:
    """Return the OpenAPI 3.0, 3.1 or 3.2 document in `text`, with the data of `previous` if that has the same text.

    `name` is its name in errors. The format follows from the suffix of the name, else from the text. Raises
    `DocumentError` for broken YAML or JSON, duplicate keys, a document that is not OpenAPI, and an unsupported version.
    """
    if len(text) > DOCUMENT or len(text.encode("utf-8", "surrogatepass")) > DOCUMENT:
        raise DocumentError(f"larger than {size(DOCUMENT)}", where=name, hint="give a smaller document")
    if not text.strip():
        raise DocumentError("empty", where=name, hint="give an OpenAPI document or a page that contains one")
    if _HTML.match(text):
        hint = (
            "give the OpenAPI document itself, in JSON or YAML, or the Markdown of the page: its URL with .md appended"
        )
        raise DocumentError("an HTML page, not an OpenAPI document", where=name, hint=hint)
    form, source, first_line = _split_source(text.removeprefix("\ufeff"), name)
    if previous is not None and previous.text.rstrip("\n") == source.rstrip("\n"):
        data = previous.data
    elif form == "json" or (form == "markdown" and source.lstrip().startswith("{")):
        from pytest_bctrl.contract.json_source import read_json

        data = read_json(source, name)
    else:
        data = read_yaml(source, name)
    require_openapi(data, name)
    samples: dict[str, str] = {}
    if form == "markdown":
        samples = page_samples(text)
    return Document(data, form, name, source, first_line, {}, samples)


def page_samples(page: str) -> dict[str, str]:
    """Return the digests of a page's code blocks by name (`json`, `json 2`), except OpenAPI documents.

    A block is named after its language, with a number from the second block of a language on.
    """
    digests: dict[str, str] = {}
    for block in fenced_blocks(page):
        if _OPENAPI.search(block.text[:4096]):
            continue
        language = block.language or "text"
        name, numbers = language, count(2)
        while name in digests:
            name = f"{language} {next(numbers)}"
        digests[name] = sha256(block.text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()
    return digests


def _split_source(text: str, name: str) -> tuple[Format, str, int]:
    """Return the format of a text, its OpenAPI part, and the line on which that part starts."""
    suffix = name.lower().split("?")[0].split("#")[0].rpartition(".")[2]
    is_yaml, is_page = suffix in ("yaml", "yml"), suffix in ("md", "markdown")
    if suffix == "json" or (not is_yaml and not is_page and text.lstrip().startswith("{")):
        return "json", text, 1
    if is_page or (not is_yaml and _looks_like_a_page(text)):
        block = openapi_block(text, name)
        return "markdown", block.text, block.line
    return "yaml", text, 1


def _looks_like_a_page(text: str) -> bool:
    """Return whether a text is a page, not YAML: it has a fence, before the first `openapi:` at the margin, if any."""
    first = _TOP_LEVEL_OPENAPI.search(text)
    if first is None:
        return "```" in text or "~~~" in text
    return "```" in text and re.search(r"^(?:`{3,}|~{3,})", text[: first.start()], re.MULTILINE) is not None


def require_openapi(data: Any, name: str) -> None:
    """Raise `DocumentError` unless data is an OpenAPI document of a supported version, with `paths` if required."""
    if not isinstance(data, dict):
        raise DocumentError(
            "not an OpenAPI document", where=name, hint="it should be a mapping that begins with openapi:"
        )
    if "openapi" not in data:
        if "swagger" in data:
            raise DocumentError("a Swagger 2.0 document", where=name, hint="convert it to OpenAPI 3.0 or later")
        raise DocumentError("not an OpenAPI document", where=name, hint="it has no 'openapi' key")
    match = None
    # In YAML, a version without quotes and without a third number is a number: `openapi: 3.0`.
    if isinstance(data["openapi"], str | float):
        match = _VERSION.fullmatch(str(data["openapi"]))
    if match is None or match[1] not in SUPPORTED:
        raise DocumentError(
            f"its OpenAPI version is {str(data['openapi'])[:40]!r}",
            where=name,
            hint="3.0.x, 3.1.x and 3.2.x can be read",
        )
    if not isinstance(data.get("paths", {}), dict):
        raise DocumentError("'paths' is not a mapping", where=f"{name}#/paths", hint="see OpenAPI 3.1, section 4.8.8")
    if "paths" not in data and (match[1] == "3.0" or not {"components", "webhooks"} & data.keys()):
        raise DocumentError("it has no 'paths'", where=name, hint="give the whole document; it may be cut off")


def unread_references(data: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
    """Return the references of a bundled document whose files could not be read, each with its problem and a hint."""
    unread: Mapping[str, tuple[str, str]] = data.get(UNREAD, {})
    return unread


def bundling_hint(name: str) -> str:
    """Return the hint for a reference outside a document: the command that bundles the document."""
    import shlex

    file = name
    if "://" in name or name.startswith("git:") or not name:
        file = "openapi.yaml"
    return f"nothing is fetched; bundle it first: npx @redocly/cli bundle {shlex.quote(file)} --output bundled.yaml"


def load_data(data: Any, name: str) -> Document:
    """Return data as a document without text and lines; raises `DocumentError` if it is not OpenAPI or too deep."""
    from pytest_bctrl.contract.json_source import require_shallow

    require_openapi(data, name)
    require_shallow(data, name)
    samples = data.get(SAMPLES)
    if not isinstance(samples, dict):
        samples = {}
    return Document(data, "json", name, "", 1, {}, samples)


_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""A line of Markdown (CommonMark 0.31, 2.1). `splitlines` would also split at U+2028 and other characters."""

_OPENAPI = re.compile(r"^\s*(?:\{\s*)?[\"']?openapi[\"']?\s*:\s*[\"']?[23]\.", re.MULTILINE)


class Block(NamedTuple):
    """A fenced code block: its language, its verbatim text and the line of the page on which the text starts."""

    language: str
    text: str
    line: int


def fenced_blocks(page: str) -> list[Block]:
    """Return the fenced code blocks of a Markdown page, in order (CommonMark 0.31, section 4.5)."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    body: list[str] = []
    start = indent = 0
    for number, line in enumerate(_LINE.findall(page), start=1):
        if opening is None:
            opening = _FENCE.match(line.rstrip("\r\n"))
            body, start = [], number + 1
            if opening is not None:
                indent = len(opening["indent"])
        elif _closes_block(line, opening["marks"]):
            language = next(iter(opening["info"].split()), "").lower()
            blocks.append(Block(language, "".join(body), start))
            opening = None
        else:
            # The lines of a block lose at most the indentation of its opening fence.
            body.append(line[:indent].lstrip(" ") + line[indent:])
    return blocks


def _closes_block(line: str, marks: str) -> bool:
    """Return whether a line closes a fenced block: up to three spaces, then at least as many of its marks."""
    fence = line.rstrip(" \t\r\n")
    text = fence.lstrip(" ")
    return len(fence) - len(text) <= 3 and len(text) >= len(marks) and not text.strip(marks[0])


def openapi_block(page: str, name: str) -> Block:
    """Return a page's only code block with an OpenAPI document; raises `DocumentError` unless there is exactly one."""
    blocks = [block for block in fenced_blocks(page) if _OPENAPI.search(block.text[:4096])]
    if not blocks:
        raise DocumentError(
            "the page has no fenced block with an OpenAPI document",
            where=name,
            hint="it should have a ```yaml block whose text begins with 'openapi:'",
        )
    if len(blocks) > 1:
        lines = ", ".join(str(block.line) for block in blocks)
        raise DocumentError(
            f"the page holds {len(blocks)} OpenAPI documents, at lines {lines}",
            where=name,
            hint="give a page with one, or the OpenAPI file itself",
        )
    return blocks[0]


def value_at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901); raises `LookupError`, `TypeError` or `ValueError` without one."""
    for token in pointer.split("/")[1:]:
        key = unescape_token(token)
        if not isinstance(document, list):
            document = document[key]
        elif re.fullmatch(r"0|[1-9][0-9]*", key):
            document = document[int(key)]
        else:
            raise ValueError(key)
    return document


def escape_token(key: str) -> str:
    """Return a key as a token of a JSON pointer (RFC 6901, 4)."""
    if "~" in key or "/" in key:
        return key.replace("~", "~0").replace("/", "~1")
    return key


def unescape_token(token: str) -> str:
    """Return the key that a token of a JSON pointer stands for."""
    if "~" in token:
        return token.replace("~1", "/").replace("~0", "~")
    return token
