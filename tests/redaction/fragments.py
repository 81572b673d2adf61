"""Finds the parts of a secret that a run has written, in each form in which a test run prints it."""

import base64
import binascii
import html
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote

MOST_SHOWN = 8
"""So many consecutive characters of a secret may be shown."""
MOST_DECODINGS = 3
"""A text may be URL-encoded within JSON within HTML."""

_ESCAPE_CODE = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]      # control sequence: colours, moves of the cursor
  | (?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c)  # operating system command: links, titles
  | \x1b[@-Z\\^_a-z]                        # two characters
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_ESCAPE_CODE = re.compile(r"(?:\\x1b|\\u001b|\\033|#x1B)\[[0-9;]*m", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
# With the prefix that pytest writes before each line of an error, and the borders of a panel.
_LINE_BREAK = re.compile(r"[ \t│┃|]*(?:\r\n|\r|\n|\\n|\|n)(?:E(?=[ \t]))?[ \t│┃|>]*")
_BACKSLASH_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'\\/]))")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_PRINTABLE = re.compile(rb"[ -~]{6,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){6,}")


def shown_parts(secret: str, outputs: Mapping[str, bytes]) -> dict[str, str]:
    """Return the parts of `secret` in `outputs` that are one longer than `MOST_SHOWN`, each with the name of an output.

    `outputs` maps a name to the bytes of a file or a stream. The case of letters is ignored.
    """
    size = MOST_SHOWN + 1
    parts = {secret[at : at + size].casefold() for at in range(len(secret) - size + 1)}
    shown: dict[str, str] = {}
    for name, data in outputs.items():
        for text in map(str.casefold, readings(data.decode("utf-8", "replace"))):
            shown |= {part: name for part in parts if part in text}
    return shown


def assert_unrecognisable(secret: str, outputs: Mapping[str, bytes]) -> None:
    """Raise `AssertionError` if an output of a run shows more than `MOST_SHOWN` consecutive characters of `secret`."""
    assert {} == shown_parts(secret, outputs)


def read_outputs(folder: Path, streams: Mapping[str, str | bytes] | None = None) -> dict[str, bytes]:
    """Return the streams of a run, the content of every file below `folder`, and the names of those files."""
    outputs = {name: text if isinstance(text, bytes) else text.encode() for name, text in (streams or {}).items()}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    outputs["names of files"] = "\n".join(os.fspath(path.relative_to(folder)) for path in paths).encode()
    for path in paths:
        outputs[path.relative_to(folder).as_posix()] = path.read_bytes()
    return outputs


def readings(text: str) -> Iterator[str]:
    """Yield `text` and each different text that decoding it yields, with up to `MOST_DECODINGS` nested encodings."""
    seen = set()
    for reading in (text, *_decode_in_turn(text, with_tags=True), *_decode_in_turn(text, with_tags=False)):
        if reading not in seen:
            seen.add(reading)
            yield reading


def _decode_in_turn(text: str, *, with_tags: bool) -> Iterator[str]:
    """Yield `text` after each decoding, and the binary encodings in it.

    Angle brackets are tags in HTML and an ordinary repr elsewhere, so each is tried.
    """
    for _ in range(MOST_DECODINGS):
        before = text
        if not with_tags:
            text = _TAG.sub("", text)
        for decode in _TEXT_DECODINGS:
            text = decode(text)
            yield text
        yield from _decode_binary(text)
        if text == before:
            return


def _decode_binary(text: str) -> Iterator[str]:
    """Yield the text encoded in base64 or hexadecimal digits."""
    for decode in (_decode_base64, _decode_hex):
        decoded = decode(text)
        if decoded:
            yield decoded


def _remove_escape_codes(text: str) -> str:
    """Return a text without escape codes, plain or escaped."""
    return _ESCAPED_ESCAPE_CODE.sub("", _ESCAPE_CODE.sub("", text))


def _join_lines(text: str) -> str:
    """Return a text without line breaks, with the prefixes and borders around them."""
    return _LINE_BREAK.sub("", text)


def _unescape_backslashes(text: str) -> str:
    """Return a text with the characters of its escapes `\\uXXXX`, `\\xXX`, and of escaped quotes and slashes."""

    def replace(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        return chr(int(digits, 16)) if digits else str(match[3])

    return _BACKSLASH_ESCAPE.sub(replace, text)


def _decode_base64(text: str) -> str:
    """Return the printable texts in the base64 of a text, one per line."""
    return "\n".join(filter(None, map(_decode_base64_run, _BASE64.findall(text))))


@cache
def _decode_base64_run(run: str) -> str:
    """Return the printable texts in a run of base64, decoded from each of its first four digits on."""
    standard = run.replace("-", "+").replace("_", "/")
    texts = []
    for offset in range(4):
        group = standard[offset:]
        texts.extend(_printable(base64.b64decode(group[: len(group) // 4 * 4])))
    return b"\n".join(texts).decode("ascii")


def _decode_hex(text: str) -> str:
    """Return the printable texts in the hexadecimal digits of a text, one per line."""
    return "\n".join(filter(None, map(_decode_hex_run, _HEX.findall(text))))


@cache
def _decode_hex_run(run: str) -> str:
    """Return the printable texts in a run of hexadecimal digits, decoded from its first and its second digit on."""
    digits = re.sub("[ :]", "", run)
    texts = []
    for offset in (0, 1):
        pairs = digits[offset:]
        texts.extend(_printable(binascii.unhexlify(pairs[: len(pairs) // 2 * 2])))
    return b"\n".join(texts).decode("ascii")


def _printable(decoded: bytes) -> list[bytes]:
    """Return the runs of printable ASCII in bytes."""
    return _PRINTABLE.findall(decoded)


_TEXT_DECODINGS: tuple[Callable[[str], str], ...] = (
    _unescape_backslashes,
    html.unescape,
    unquote,
    _remove_escape_codes,
    _join_lines,
)
