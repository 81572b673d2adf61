"""Loads an OpenAPI document from text: YAML, JSON, or a Markdown page that holds one in a fenced block."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import count
from os.path import normpath
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import DOCUMENT, read_text, size

Format = Literal["yaml", "json", "markdown"]

SUPPORTED = ("3.0", "3.1")
"""The OpenAPI minor versions that can be read."""

FILES = "x-bctrl-files"
"""Where the parts of other files stand in a document, by their paths from its folder and their pointers."""

SAMPLES = "x-bctrl-samples"
"""Where data in memory has what the other code blocks of its page are, by their names."""

_TOP_LEVEL_OPENAPI = re.compile(r"^[\"']?openapi[\"']?[ \t]*:", re.MULTILINE)
_BESIDE = re.compile(r"""\$ref["']?\s*:\s*(?:[>|][-+]?\s+)?["']?[^#"'\s>|]""")
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_VERSION = re.compile(r"(3\.\d+)(?:\.\d+)?(?:-.+)?")


class Document(NamedTuple):
    """An OpenAPI document and where it came from.

    `text` is the OpenAPI text verbatim (of a page: the block's), `first_line` the line of the file it starts on, and
    `lines` those that were asked for. `samples` are the digests of the other code blocks of the page, by their names.
    """

    # No dataclass: that would take a third of the time in which the drift gate starts.
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

    def place(self, pointer: str) -> tuple[str, str]:
        """The name of the file in which a place of the document stands, and its pointer in that."""
        if not pointer.startswith(f"/{FILES}/"):
            return self.name, pointer
        key, slash, rest = pointer.removeprefix(f"/{FILES}/").partition("/")
        file, _, above = unescape_token(key).partition("#")
        return sibling_path(self.name, file), f"{above}{slash}{rest}"

    def line(self, pointer: str) -> int | None:
        """Return the line of the file on which the value at a JSON pointer begins, or None where it is in another one.

        The lines are found at the first call: a run without findings never pays for them. For a pointer that the
        document does not hold, it is the line of the nearest parent.
        """
        if not self.text or pointer.startswith(f"/{FILES}/"):
            return None
        self.find_lines([pointer])
        return self.lines[pointer] + self.first_line - 1

    def find_lines(self, pointers: Collection[str]) -> None:
        """Find the lines of many pointers in one go, so that asking for each of them costs nothing more."""
        if not self.text or self.lines.keys() >= set(pointers):
            return
        found: dict[str, int] = {}
        if self.text.lstrip().startswith("{") and self.format != "yaml":
            from pytest_bctrl.contract.json_source import json_lines

            found = json_lines(self.text, pointers)
        else:
            read_yaml(self.text, self.name, found)
        for pointer in pointers:
            nearest = pointer
            while nearest not in found and nearest:
                nearest = nearest.rpartition("/")[0]
            self.lines[pointer] = found.get(nearest, 1)


def read_file(path: Path, hint: str, what: str = "it", name: str = "") -> str:
    """Return the text of a file; raises `DocumentError`, with `hint`, where it cannot be read.

    `what` and `name` are what the error calls it, and its path.
    """
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DocumentError(f"{what} cannot be read: {cause}", where=name or str(path), hint=hint) from None


def sibling_path(name: str, file: str) -> str:
    """The name of a file by its path from the folder of a named one, which may be one of a revision."""
    before, colon, path = name.rpartition(":")
    return f"{before}{colon}{normpath(Path(path).parent / file)}"


def is_self_contained(text: str) -> bool:
    """Whether an OpenAPI text refers to nothing outside of itself, as nearly all do."""
    return not _BESIDE.search(text)


def load_document(text: str, name: str, known: Document | None = None) -> Document:
    """Return the OpenAPI 3.0 or 3.1 document that `text` holds; `name` is what errors call it.

    The format follows from the name's suffix, else from the text. Where that is what `known` holds, to the letter, it
    is not read again. Raises `DocumentError`, one line, for what cannot be read: broken YAML or JSON, duplicate keys,
    no OpenAPI, or a version that is not supported.
    """
    if len(text) > DOCUMENT or len(text.encode("utf-8", "surrogatepass")) > DOCUMENT:
        raise DocumentError(f"larger than {size(DOCUMENT)}", where=name, hint="give a smaller document")
    if not text.strip():
        raise DocumentError("empty", where=name, hint="give an OpenAPI document or a page that holds one")
    if _HTML.match(text):
        raise DocumentError("an HTML page", where=name, hint="give its Markdown: the page's URL with .md appended")
    form, source, first_line = _split(text.removeprefix("\ufeff"), name)
    if known is not None and known.text.rstrip("\n") == source.rstrip("\n"):
        data = known.data
    elif form == "json" or (form == "markdown" and source.lstrip().startswith("{")):
        from pytest_bctrl.contract.json_source import read_json

        data = read_json(source, name)
    else:
        data = read_yaml(source, name)
    require_openapi(data, name)
    samples = page_samples(text) if form == "markdown" else {}
    return Document(data, form, name, source, first_line, {}, samples)


def page_samples(page: str) -> dict[str, str]:
    """Return the SHA-256 of each code block of a page but those of OpenAPI documents.

    A block is named after its language, and numbered where another one of it goes before.
    """
    from hashlib import sha256

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


def _split(text: str, name: str) -> tuple[Format, str, int]:
    """Tell the format, the OpenAPI text and the line it starts on."""
    suffix = name.lower().split("?")[0].split("#")[0].rpartition(".")[2]
    is_yaml, is_page = suffix in ("yaml", "yml"), suffix in ("md", "markdown")
    if suffix == "json" or (not is_yaml and not is_page and text.lstrip().startswith("{")):
        return "json", text, 1
    if is_page or (not is_yaml and _looks_like_a_page(text)):
        block = openapi_block(text, name)
        return "markdown", block.text, block.line
    return "yaml", text, 1


def _looks_like_a_page(text: str) -> bool:
    """Tell a page from YAML: a page's `openapi:` stands in a fenced block that begins at the margin."""
    first = _TOP_LEVEL_OPENAPI.search(text)
    if first is None:
        return "```" in text or "~~~" in text
    return "```" in text and re.search(r"^(?:`{3,}|~{3,})", text[: first.start()], re.MULTILINE) is not None


def require_openapi(data: Any, name: str) -> None:
    """Raise `DocumentError` for data that is no OpenAPI document of a version that can be read."""
    if not isinstance(data, dict):
        raise DocumentError(
            "not an OpenAPI document", where=name, hint="it should be a mapping that begins with openapi:"
        )
    if "openapi" not in data:
        if "swagger" in data:
            raise DocumentError("a Swagger 2.0 document", where=name, hint="convert it to OpenAPI 3.0 or 3.1")
        raise DocumentError("not an OpenAPI document", where=name, hint="it has no 'openapi' key")
    match = _VERSION.fullmatch(data["openapi"]) if isinstance(data["openapi"], str) else None
    if match is None or match[1] not in SUPPORTED:
        raise DocumentError(
            f"its OpenAPI version is {str(data['openapi'])[:40]!r}", where=name, hint="3.0.x and 3.1.x can be read"
        )
    if not isinstance(data.get("paths", {}), dict):
        raise DocumentError("'paths' is not a mapping", where=f"{name}#/paths", hint="see OpenAPI 3.1, section 4.8.8")
    if "paths" not in data and (match[1] == "3.0" or not {"components", "webhooks"} & data.keys()):
        raise DocumentError("it has no 'paths'", where=name, hint="give the whole document; it may be cut off")


def load_data(data: Any, name: str) -> Document:
    """Return a document for data that is in memory already; it has no lines. Raises `DocumentError`."""
    from pytest_bctrl.contract.json_source import require_shallow

    require_openapi(data, name)
    require_shallow(data, name)
    samples = data.get(SAMPLES)
    return Document(data, "json", name, "", 1, {}, samples if isinstance(samples, dict) else {})


_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""A line as Markdown has it (CommonMark 0.31, 2.1); `splitlines` also ends one at U+2028 and others."""

_OPENAPI = re.compile(r"^\s*(?:\{\s*)?[\"']?openapi[\"']?\s*:\s*[\"']?[23]\.", re.MULTILINE)


class Block(NamedTuple):
    """A fenced code block: its language, its text verbatim and the line of the page its text starts on."""

    language: str
    text: str
    line: int


def fenced_blocks(page: str) -> list[Block]:
    """Return the fenced code blocks of a Markdown page, in order (CommonMark 0.31, section 4.5)."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    body: list[str] = []
    start = 0
    for number, line in enumerate(_LINE.findall(page), start=1):
        if opening is None:
            opening = _FENCE.match(line.rstrip("\r\n"))
            body, start = [], number + 1
        elif re.fullmatch(rf" {{0,3}}{opening['marks']}{opening['marks'][0]}*[ \t]*[\r\n]*", line):
            language = opening["info"].split()[0].lower() if opening["info"].split() else ""
            blocks.append(Block(language, "".join(body), start))
            opening = None
        else:
            # A block loses as much indentation as its opening fence has, where it has as much.
            body.append(re.sub(rf"^ {{0,{len(opening['indent'])}}}", "", line))
    return blocks


def openapi_block(page: str, name: str) -> Block:
    """Return the one block of the page that holds an OpenAPI document, verbatim.

    Raises `DocumentError` where there is none or more than one; `name` is what the error calls the page.
    """
    found = [block for block in fenced_blocks(page) if _OPENAPI.search(block.text[:4096])]
    if not found:
        raise DocumentError(
            "the page holds no fenced block with an OpenAPI document",
            where=name,
            hint="it should have a ```yaml block whose text begins with 'openapi:'",
        )
    if len(found) > 1:
        lines = ", ".join(str(block.line) for block in found)
        raise DocumentError(
            f"the page holds {len(found)} OpenAPI documents, at lines {lines}",
            where=name,
            hint="give a page with one, or the OpenAPI file itself",
        )
    return found[0]


def value_at(document: Any, pointer: str) -> Any:
    """What stands at a pointer that leads somewhere (RFC 6901); raises what a mapping and a list raise elsewhere."""
    for token in pointer.split("/")[1:]:
        key = unescape_token(token)
        if isinstance(document, list) and re.fullmatch(r"0|[1-9][0-9]*", key) is None:
            raise ValueError(key)
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def escape_token(key: str) -> str:
    """A key as a token of a JSON Pointer (RFC 6901, 4)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def unescape_token(token: str) -> str:
    """The key that a token of a JSON Pointer stands for."""
    return token.replace("~1", "/").replace("~0", "~")
