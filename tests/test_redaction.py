"""A secret is masked in texts in each of its encodings, in parts too, and everything else stays as it is."""

from __future__ import annotations

import base64
import json
import quopri
import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.encodings import FRAGMENT, is_random
from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.search import WINDOW
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.secrets.streams import redact_name
from tests.recordings.test_secrets import ENCODINGS

KEY = "Zq7Tn4Wb9Kd2Xs6Lp3Vf8Hg5Rj1YcM"
SPECIAL = "pk/Li<ve+\"01\\23'&=xQ7w"
LETTERS = "pässwörd-ünïcode"
PASSWORD = "sekret-value"
"""A secret of words, of which only the complete value is redacted."""

PHRASE = "pässword<geheim>wörter & 'mehr'"
"""A secret of words with letters outside ASCII, and punctuation that encoders escape."""

ALPHABET = string.ascii_letters + string.digits


def _escaped_punctuation(form: str, text: str) -> str:
    """Return a text with its punctuation escaped, and its letters as they are."""
    return "".join(letter if letter.isalnum() else form.format(ord(letter)) for letter in text)


EVERY: dict[str, Callable[[str], str]] = {
    **ENCODINGS,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "reversed": lambda text: text[::-1],
    "upper": str.upper,
    "swapped": str.swapcase,
    "escapes": lambda text: f"{text!a}",
    "bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "in decimal": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "spaced": " ".join,
    "repr of bytes": lambda text: repr(text.encode()),
    "braces": lambda text: "".join(f"\\u{{{ord(letter):x}}}" for letter in text),
    "octal punctuation": lambda text: re.sub(
        rb"[^A-Za-z0-9]", lambda match: b"\\%03o" % match[0][0], text.encode()
    ).decode(),
    "quoted-printable letters": lambda text: quopri.encodestring(text.encode()).decode(),
    "JSON in HTML": lambda text: re.sub(
        "[<>&]", lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False)
    ),
    **{
        f"punctuation as {form}": partial(_escaped_punctuation, form)
        for form in ("\\u{:04x}", "\\x{:02x}", "&#{};", "&#x{:x};")
    },
}
# Only recordings are searched for them.
del EVERY["octal numbers of Python"]

keys = st.builds(
    lambda source, length: "".join(source.choices(ALPHABET, k=length)),
    st.randoms(use_true_random=False),
    st.integers(16, 40),
).filter(is_random)


@lru_cache(maxsize=32)
def redaction(*values: str) -> Redaction:
    """Return a redaction of these secrets, which is prepared once for all tests of them."""
    redact = Redaction()
    for value in values:
        redact.add(Secret(value))
    return redact


def parts_of(key: str, text: str) -> list[str]:
    """Return the parts of a key, in either case, that occur in a text."""
    parts = {key[at : at + FRAGMENT].lower() for at in range(len(key) - FRAGMENT + 1)}
    return sorted(part for part in parts if part in text.lower())


@pytest.mark.parametrize("encoding", sorted(EVERY))
@pytest.mark.parametrize("key", [KEY, SPECIAL, LETTERS, PASSWORD, PHRASE])
def test_a_secret_is_removed_in_every_encoding(key: str, encoding: str) -> None:
    """The mask replaces it, and the text around it stays."""
    redact = redaction(key)
    clean = redact(f"E   before '{EVERY[encoding](key)}' after\nnext line")
    assert (None, True) == (redact.find(clean.replace(MASK, "")), MASK in clean)
    assert ("E   before", "next line") == (clean[:10], clean[-9:])


@pytest.mark.parametrize("value", [f"{KEY}\udcff{KEY[:9]}", "p\udcffssword of words", "\udcff\udcfe!?-+\udcfd/,"])
def test_a_secret_that_is_not_valid_utf_8_is_redacted(value: str) -> None:
    """A byte of an environment variable that is not UTF-8 becomes a lone surrogate."""
    redact = redaction(value)
    assert (f"a {MASK} b", "plaintext") == (redact(f"a {value} b"), redact("plaintext"))
    assert redact.find(f"a {value} b") is not None
    assert Secret(value) == Secret(value)


def test_files_are_renamed_whose_name_has_a_secret_before_or_in_the_suffix(tmp_path: Path) -> None:
    """Of names that are equal after that, the second one gets a number."""
    for name in (f"{KEY}.txt", f"{KEY.lower()}.txt", f"shot.{KEY}", f"shot.{KEY.lower()}", "other.txt"):
        path = tmp_path / name
        path.touch()
        redact_name(path, redaction(KEY))
    names = [f"{MASK} 2.txt", f"{MASK}.txt", "other.txt", f"shot 2.{MASK}", f"shot.{MASK}"]
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())


@settings(max_examples=50)
@given(keys, st.data())
def test_no_part_of_a_random_key_is_left(key: str, data: st.DataObject) -> None:
    """Broken into pieces of up to twelve characters by line ends, colours, frames, ellipses and others."""
    pieces = []
    at = 0
    while at < len(key):
        size = data.draw(st.integers(1, 12))
        pieces.append(key[at : at + size])
        at += size
    breaks = st.sampled_from(["\n", "\nE     ", "\x1b[31m", "\x1b[0m", " │\n│ ", "'\n   '", "\x1b]8;;x\x07", "…", "#"])
    text = "".join(piece + data.draw(breaks) for piece in pieces)
    clean = redaction(key)(f"it says {text} here")
    for removed in ("\x1b[31m", "\x1b[0m", "\nE     ", " │\n│ ", "'\n   '", "\n", "\x1b]8;;x\x07"):
        clean = clean.replace(removed, "")
    assert [] == parts_of(key, clean)


@given(keys, st.integers(1, 30))
def test_a_key_written_in_parts_is_redacted(key: str, size: int) -> None:
    redact, shown, before = redaction(key), "", ""
    for at in range(0, len(key), size):
        shown += redact.part(before, key[at : at + size])
        before += key[at : at + size]
    assert [] == parts_of(key, shown)


@given(keys, st.integers(-40, 40), st.integers(1, 2), st.integers(0, 40))
def test_a_key_is_redacted_anywhere_in_a_long_text(key: str, shift: int, window: int, size_before: int) -> None:
    """A long text is searched in windows, of which the first follows the text that was written before."""
    redact = redaction(key)
    start = window * WINDOW + shift
    text = f"{key[size_before:]} {'-' * 2 * WINDOW}"
    clean = redact.part(key[:size_before], f"{text[:start]}{key}{text[start:]}")
    assert [] == parts_of(key, clean)
    assert len(clean) > 2 * WINDOW


@settings(max_examples=20)
@given(st.lists(keys, min_size=2, max_size=8, unique_by=str.lower), st.sampled_from(sorted(EVERY)))
def test_each_of_many_secrets_is_redacted_in_every_encoding(values: list[str], encoding: str) -> None:
    redact = redaction(*values)
    clean = redact(" ".join(EVERY[encoding](value) for value in values))
    assert [] == [redact.find(part) for part in clean.split() if redact.find(part)]
    assert [] == [part for value in values for part in parts_of(value, clean)]


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize(
    "escaped",
    ["\\n", "\\\\n", "\\r\\n", "\\t", "\\u000a", "\\x0a", "|n", "&#10;", "&#xA;", "<br>", "<br />", "&lt;br/&gt;"],
)
def test_a_key_in_short_lines_is_redacted_where_the_line_breaks_are_escaped(escaped: str, size: int) -> None:
    """The letters of an escape are not part of the text that a person reads: a report shows a line break there."""
    key = "Zq7Wk4Sd9Kf2Ms6Cp3Vf8Hc5Jj1YcM"
    lines = [key[at : at + size] for at in range(0, len(key), size)]
    clean = redaction(key)(f'"printed": "{escaped.join(lines)}"')
    assert f'"printed": "{escaped.join([MASK] * len(lines))}"' == clean


@pytest.mark.parametrize("value", [f"n{KEY}", "nightshift-login"])
def test_a_secret_after_a_backslash_is_redacted(value: str) -> None:
    """Together with its first letter, a backslash looks like an escaped line break."""
    assert f"corp\\{MASK}" == redaction(value)(f"corp\\{value}")


@pytest.mark.parametrize("form", [KEY[:-1], KEY.swapcase(), KEY[: len(KEY) // 2], f"{KEY[:12]}!{KEY[13:]}"])
def test_recognisable_forms_of_a_key_are_redacted(form: str) -> None:
    """A key without its end, with swapped case, its first half, or with a single character replaced."""
    assert [] == parts_of(KEY, redaction(KEY)(f"bad credential {form}"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"'{KEY[:12]}...{KEY[-9:]}'", f"'{MASK}...{MASK}'"),
        (f"'Bearer {KEY[:6]}...xyz'", f"'Bearer {MASK}...xyz'"),
        (f"{KEY[:3]}...{KEY[-2:]}", f"{KEY[:3]}...{KEY[-2:]}"),
        (f"<{KEY[:20]}[1040 chars]end", f"<{MASK}[1040 chars]end"),
        (f"<{KEY.encode().hex()[:20]}…", f"<{MASK}…"),
        (f"  (b'x{KEY[:12]}'\n-  b'{KEY[12:]}y')", f"  (b'x{MASK}'\n-  b'{MASK}y')"),
        (f"- {KEY}\n+ {KEY}x\n? {' ' * 30}+", f"- {MASK}\n+ {MASK}x\n? {' ' * 30}+"),
        (f"\x1b[94m{KEY[:7]}\x1b[39m\x1b[33m{KEY[7:]}\x1b[39m", f"\x1b[94m{MASK}\x1b[39m\x1b[33m\x1b[39m"),
    ],
)
def test_the_rest_of_a_truncated_key_is_redacted(text: str, clean: str) -> None:
    """The parts before and after `...` are redacted, unless they have only a few characters."""
    assert clean == redaction(KEY)(text)


@pytest.mark.parametrize("prefix", ["sk_live_", "ghp_", "bctrl-test-"])
def test_the_public_part_of_a_key_is_shown(prefix: str) -> None:
    """A message with only the prefix is unchanged; the prefix with the rest of the key is redacted."""
    text = f"key must start with {prefix}, and {prefix}x is none"
    redact = redaction(prefix + KEY)
    assert (text, f"it is {MASK}") == (redact(text), redact(f"it is {prefix}{KEY}"))


@pytest.mark.parametrize("value", [KEY, SPECIAL, "ends with 7 \\"])
@pytest.mark.parametrize("encode", [json.dumps, lambda value: json.dumps(value).replace("/", "\\/")])
def test_redacted_json_is_still_json(value: str, encode: Callable[[str], str]) -> None:
    """The value with the secret is the mask, and other values stay."""
    document = json.loads(redaction(value)(f'{{"note": {encode(value)}, "{value[:0]}other": 1, "a": ["b"]}}'))
    assert {"note": MASK, "other": 1, "a": ["b"]} == document


def test_a_secret_split_over_two_json_values_is_redacted_in_both() -> None:
    halves = [KEY[:15], KEY[15:]]
    assert [MASK, MASK] == json.loads(redaction(KEY)(json.dumps(halves)))
    assert {MASK: MASK} == json.loads(redaction(KEY)(json.dumps(dict([halves]))))


@pytest.mark.parametrize("first", ["ü", "\t", "\x7f", "中", "𝄞", "n"], ids=ascii)
def test_a_secret_after_or_with_an_escape_is_masked_with_all_of_the_escape(first: str) -> None:
    """JSON and XML stay valid: no half of an escape is left, also if its code ends like that of the secret's letter."""
    redact = redaction(first + KEY)
    for letter in (first, chr(ord(first) ^ 0x100), "\n"):
        value = f"x {letter}{KEY} y"
        element = ElementTree.Element("a")
        element.text = value
        document = json.dumps({"a": value, "b": [repr(value)]}).encode()
        texts = [
            json.loads(redact.data_bytes(document, keeps_structure=True))["a"],
            ElementTree.fromstring(redact.data_bytes(ElementTree.tostring(element), keeps_structure=True)).text,
        ]
        assert {f"x {MASK} y", f"x {letter}{MASK} y"} >= set(texts)


def test_json_keys_remain_distinct() -> None:
    """Keys that differ only in the case of the secret get numbered masks."""
    document = json.dumps({f"test[{KEY}]": 1, f"test[{KEY.upper()}]": 2, f"test[{KEY.lower()}]": [KEY.upper()]})
    clean = json.loads(redaction(KEY).data_bytes(document.encode(), keeps_structure=True))
    assert {f"test[{MASK}]": 1, "test[[redacted] 2]": 2, "test[[redacted] 3]": [MASK]} == {
        name.replace("[redacted 2]", "[redacted] 2").replace("[redacted 3]", "[redacted] 3"): value
        for name, value in clean.items()
    }


@pytest.mark.parametrize(
    "text", [b'{"sekret-value": 1}', b"<sekret-value a='1'/>", b"x.sekret-value", b"sekret-value='x'"]
)
def test_a_secret_made_of_words_is_kept_in_structural_text(text: bytes) -> None:
    """It is kept in keys, tags and names if `keeps_structure` is set, and redacted in values."""
    redact = redaction(PASSWORD)
    assert (text, MASK.encode() in redact.data_bytes(text)) == (redact.data_bytes(text, keeps_structure=True), True)
    assert f'["{MASK}"]'.encode() == redact.data_bytes(b'["sekret-value"]', keeps_structure=True)


@pytest.mark.parametrize("value", ["!!!!\"\"''((++--//", "пароль-секрет", "a€b€c€d€e€f€"])
def test_a_secret_with_few_ascii_letters_is_redacted_plain_and_escaped(value: str) -> None:
    redact = redaction(value)
    assert f"a {MASK} b {MASK}" == redact(f"a {value} b {json.dumps(value)[1:-1]}")
    assert f"{MASK}".encode() == redact.data_bytes(value.encode())


def test_a_secret_with_few_letters_after_its_public_prefix_is_redacted() -> None:
    assert f"a {MASK} b" == redaction("tests-______x_y")("a tests-______x_y b")


WHOLE_FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "reversed": lambda text: text[::-1],
    "lower": str.lower,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex of pairs": lambda text: text.encode().hex(":"),
    "percent-encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "decimal references": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "XML": lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "escaped pattern": re.escape,
    "TeamCity": lambda text: re.sub(r"[|'\[\]]", r"|\g<0>", text),
    "CSV": lambda text: text.replace('"', '""'),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after a letter": lambda text: base64.b64encode(f":{text}".encode()).decode(),
    "base64 after two letters": lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
}


@pytest.mark.parametrize("form", WHOLE_FORMS)
@pytest.mark.parametrize("value", ["a+b(c)*[d]|e?^f$.{2}\\w9Q", "ключ-Пароль-Öß空間-🚀z9", "\"'<&>'\"-7Qx|2"])
def test_a_secret_of_few_letters_is_redacted_as_a_whole(value: str, form: str) -> None:
    """In each encoded form; its letters and digits alone, without its symbols, are not redacted."""
    redact = redaction(value)
    clean = redact(f"before {WHOLE_FORMS[form](value)} after")
    assert ("before ", " after", True) == (clean[:7], clean[-6:], MASK in clean)
    # The first and last digits of base64 depend on the text around the secret, too.
    assert sum(map(str.isalnum, clean[7:-6].replace(MASK, ""))) <= 6
    letters = "".join(filter(str.isalnum, value))
    assert f"before {letters} after" == redact(f"before {letters} after")


@dataclass
class ForeignData:
    """A class of the user."""

    name: str


class Pair(NamedTuple):
    one: str
    other: int


def test_data_is_copied_without_secrets_and_other_objects_are_unchanged() -> None:
    redact = redaction(KEY)
    foreign = ForeignData(KEY)
    data = [{KEY: (KEY, 1, None, {KEY}, KEY.encode(), foreign)}, Finding(KEY, "error", KEY, "message"), Pair(KEY, 1)]
    clean = [
        {MASK: (MASK, 1, None, {MASK}, MASK.encode(), foreign)},
        Finding(MASK, "error", MASK, "message"),
        Pair(MASK, 1),
    ]
    assert (clean, KEY) == (redact.data(data), foreign.name)
    assert data is Redaction().data(data)


_JSON = st.recursive(
    st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner)
)


@given(_JSON)
@example(["a...b'\nb'c", "%41"])
def test_data_without_the_secret_is_unchanged(value: Any) -> None:
    assert value == redaction(KEY, PASSWORD, "failed", "!!!!\"\"''((++--//").data(value)
    assert Redaction().find(repr(value)) is None


@given(st.text(), st.text())
def test_redaction_is_idempotent(before: str, after: str) -> None:
    """Files are redacted again after other plugins have closed them."""
    redact = redaction(KEY, SPECIAL)
    once = redact(f"{before}{KEY}{after}{SPECIAL}")
    assert once == redact(once)


@given(keys)
def test_text_without_the_key_is_returned_as_the_same_object(key: str) -> None:
    source = random.Random(key)
    text = " ".join("".join(source.choices(ALPHABET, k=9)) for _ in range(20))
    assume(not parts_of(key, text + text[::-1]))
    assert text is redaction(key)(text)
