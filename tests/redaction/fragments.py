"""Measures how much of a secret can be put together from everything that a run has written.

A search for the whole secret misses one that is shown in parts, a different part in each place. Here each text is read
in every way in which a person or a program may read it, and the parts of the secret are counted across all texts.
"""

import base64
import binascii
import html
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote

FRAGMENT = 6
"""So many consecutive characters of a secret are recognisable, and fewer are chance."""
MOST_COVERED = 8
"""So many characters of a secret may be readable in everything that one run writes."""
MOST_DECODINGS = 3
"""A text may be percent-encoded within JSON within HTML."""

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
_TEAMCITY_ESCAPE = re.compile(r"\|(?:0x([0-9a-fA-F]{4})|(['|\[\]]))")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_PRINTABLE = re.compile(rb"[ -~]{6,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){6,}")
_BASE32 = re.compile(r"[A-Za-z2-7]{10,}")
_OCTAL_ESCAPE = re.compile(r"\\([0-3]?[0-7]{2})")
_BYTES_OF_C = re.compile(r"0x([0-9a-fA-F]{2})(?![0-9a-fA-F])(?:, ?)?")
_DECIMAL_BYTES = re.compile(r"(?:\b\d{2,3}\b(?:, ?| )?){6,}")
_QUOTED_PRINTABLE = re.compile(r"=([0-9A-F]{2})")


def covered_characters(secret: str, outputs: Mapping[str, bytes]) -> dict[int, str]:
    """Return which characters of `secret` are covered by fragments in `outputs`, with the first output that shows each.

    `outputs` maps a name to the bytes of a file or a stream. The case of letters is ignored.
    """
    covered: dict[int, str] = {}
    folded = secret.casefold()
    for name, data in outputs.items():
        for text in readings(data.decode("utf-8", "replace")):
            for position in _fragments_in(folded, text.casefold()):
                for index in range(position, position + FRAGMENT):
                    covered.setdefault(index, name)
    return covered


def assert_unrecognisable(secret: str, outputs: Mapping[str, bytes]) -> None:
    """Raise `AssertionError` if the outputs of a run together show more than `MOST_COVERED` characters of `secret`."""
    covered = covered_characters(secret, outputs)
    if len(covered) <= MOST_COVERED:
        return
    shown = "".join(character if index in covered else "·" for index, character in enumerate(secret))
    sources = sorted(set(covered.values()))
    raise AssertionError(f"{len(covered)} of {len(secret)} characters are shown: {shown}, in {', '.join(sources)}")


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
        yield from _decode_binary(text, MOST_DECODINGS)
        if text == before:
            return


def _decode_binary(text: str, depth: int) -> Iterator[str]:
    """Yield the text encoded in base64, base32, hexadecimal digits or numbers, nested encodings included."""
    for decode in (_decode_base64, _decode_base32, _decode_hex, _decode_numbers):
        decoded = decode(text)
        if decoded:
            yield decoded
            yield unquote(decoded)
            if depth > 1:
                yield from _decode_binary(decoded, depth - 1)


def _fragments_in(secret: str, text: str) -> Iterator[int]:
    """Yield the position in `secret` of each fragment of it that `text` contains, forwards or backwards."""
    for position in range(len(secret) - FRAGMENT + 1):
        fragment = secret[position : position + FRAGMENT]
        if fragment in text or fragment[::-1] in text:
            yield position


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


def _unescape_teamcity(text: str) -> str:
    """Return a text with the characters of its escapes for TeamCity."""
    return _TEAMCITY_ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else str(match[2]), text)


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


def _decode_base32(text: str) -> str:
    """Return the printable texts in the base32 of a text, one per line."""
    return "\n".join(filter(None, map(_decode_base32_run, _BASE32.findall(text))))


@cache
def _decode_base32_run(run: str) -> str:
    """Return the printable texts in a run of base32, decoded from each of its first eight digits on."""
    texts = []
    for offset in range(8):
        group = run[offset:]
        texts.extend(_printable(base64.b32decode(group[: len(group) // 8 * 8], casefold=True)))
    return b"\n".join(texts).decode("ascii")


def _decode_numbers(text: str) -> str:
    """Return the printable texts in the bytes that a text lists as decimal numbers, one per line."""
    texts = []
    for run in _DECIMAL_BYTES.findall(text):
        numbers = [int(number) for number in re.findall(r"\d+", run)]
        texts.extend(_printable(bytes(number for number in numbers if number < 256)))
    return b"\n".join(texts).decode("ascii")


def _printable(decoded: bytes) -> list[bytes]:
    """Return the runs of printable ASCII in bytes, and those without NUL bytes: text in UTF-16 is ASCII then."""
    texts: list[bytes] = _PRINTABLE.findall(decoded)
    if b"\0" in decoded:
        texts += _PRINTABLE.findall(decoded.replace(b"\0", b""))
    return texts


def _unescape_numbers(text: str) -> str:
    """Return a text with its octal escapes, bytes of C (`0x41`) and bytes of quoted-printable as characters."""
    text = _OCTAL_ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
    text = _BYTES_OF_C.sub(lambda match: chr(int(match[1], 16)), text)
    return _QUOTED_PRINTABLE.sub(lambda match: chr(int(match[1], 16)), text)


_TEXT_DECODINGS: tuple[Callable[[str], str], ...] = (
    _unescape_backslashes,
    _unescape_numbers,
    _unescape_teamcity,
    html.unescape,
    unquote,
    _remove_escape_codes,
    _join_lines,
)
