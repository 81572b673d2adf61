"""Random secrets are masked in any text, secrets of words in values only; everything else stays as it is."""

from __future__ import annotations

import base64
import html
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.redaction import MASK, Redaction
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.secrets.streams import redact_name
from tests.redaction.fragments import MOST_SHOWN, shown_parts

KEY = "Zq7Tn4Wb9Kd2Xs6Lp3Vf8Hg5Rj1YcM"
SPECIAL = "pk7/Lq3<vZ+\"01\\\\23'&=xQ7wTk9Zr"
LETTERS = "päßq7Xñkz9ü4Wvß2x8Jö"
WORDS = "__MASTODON_PY_TEST_ACCESS_TOKEN_2"

ALPHABET = string.ascii_letters + string.digits

PROVIDERS: dict[str, tuple[str, str, int]] = {
    "Stripe": ("sk_live_", ALPHABET, 24),
    "GitHub": ("ghp_", ALPHABET, 36),
    "GitHub, fine-grained": ("github_pat_", ALPHABET, 82),
    "GitLab": ("glpat-", f"{ALPHABET}-_", 26),
    "OpenAI": ("sk-proj-", f"{ALPHABET}-_", 48),
    "Anthropic": ("sk-ant-api03-", f"{ALPHABET}-_", 93),
    "AWS": ("", f"{ALPHABET}+/", 40),
    "Google": ("AIza", f"{ALPHABET}-_", 35),
    "Slack": ("xoxb-263594206564-", ALPHABET, 24),
    "SendGrid": ("SG.", f"{ALPHABET}-_.", 66),
    "Twilio": ("SK", "0123456789abcdef", 32),
    "Mailgun": ("key-", "0123456789abcdef", 32),
    "DigitalOcean": ("dop_v1_", "0123456789abcdef", 64),
    "npm": ("npm_", ALPHABET, 36),
    "PyPI": ("pypi-AgEIcHlwaS5vcmc", f"{ALPHABET}-_", 100),
    "Telegram": ("1234567890:AA", f"{ALPHABET}-_", 33),
    "Discord": ("MTk4NjIyNDgz", f"{ALPHABET}-_.", 58),
    "Square": ("EAAA", f"{ALPHABET}-_", 60),
    "Shopify": ("shpat_", "0123456789abcdef", 32),
    "sixteen hexadecimal digits": ("", "0123456789abcdef", 16),
    "JSON Web Token": ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.", f"{ALPHABET}-_", 80),
}
"""The public prefix, the alphabet and the length of the key formats of providers."""

DUMMIES = (
    WORDS,
    "test-api-key",
    "your_api_key_here",
    "YOUR-ACCESS-TOKEN",
    "dummy",
    "secret_key_123",
    "sk-test-1234",
    "changeme",
    "my-secret-token",
    "fake-api-key-for-tests",
    "not-a-real-key-2024",
    "password123",
    "SuperSecretApiKeyForTests",
    "MyApiKey1234",
    "dummyAccessToken",
    "TEST_OPENAI_API_KEY",
    "consumer_secret",
    "abc123def456",
    "1234567890123456",
    "xxxxxxxxxxxxxxxxxxxx",
    "00000000-0000-0000-0000-000000000000",
    "correct horse battery staple",
)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_keys_of_providers_look_random(provider: str) -> None:
    prefix, alphabet, length = PROVIDERS[provider]
    source = random.Random(provider)
    values = [prefix + "".join(source.choices(alphabet, k=length)) for _ in range(200)]
    assert [] == [value for value in values if not is_random(value)][:1]


@pytest.mark.parametrize("value", DUMMIES)
def test_the_dummy_keys_of_test_suites_are_words(value: str) -> None:
    assert not is_random(value)


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


def shown(key: str, text: str) -> dict[str, str]:
    """Return the parts of a key that a text shows although they are too long."""
    return shown_parts(key, {"text": text.encode("utf-8", "surrogatepass")})


def _base64(size: int, text: str) -> str:
    """Return a text in base64, after this number of other characters and before two."""
    return base64.b64encode(b"x" * size + text.encode() + b"yz").decode()


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON in HTML": lambda text: html.escape(json.dumps(text)),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "repr in JSON": lambda text: json.dumps(repr(text)),
    "HTML": html.escape,
    "repr in HTML": lambda text: html.escape(repr(text)),
    "XML": lambda text: ElementTree.tostring(_element(text)).decode(),
    "URL": lambda text: quote(text, safe=""),
    "URL path": quote,
    "URL query": quote_plus,
    **{f"base64, {size} before": partial(_base64, size) for size in range(4)},
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"user:{text}".encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
}  # fmt: skip


def _element(text: str) -> ElementTree.Element:
    """Return an element with a text and an attribute."""
    element = ElementTree.Element("a", {"b": text})
    element.text = text
    return element


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [KEY, SPECIAL, LETTERS, f"sk_live_{KEY}"])
def test_a_random_secret_is_masked_in_each_form(key: str, form: str) -> None:
    redact = redaction(key)
    clean = redact(f"E   before {FORMS[form](key)} after\nnext line")
    assert (None, True) == (redact.find(clean.replace(MASK, "")), MASK in clean)
    assert ("E   before", " after\nnext line") == (clean[:10], clean[-16:])


@settings(max_examples=50)
@given(keys, st.sampled_from(sorted(FORMS)), st.data())
def test_a_key_in_pieces_is_masked(key: str, form: str, data: st.DataObject) -> None:
    text, pieces = FORMS[form](key), []
    while text:
        size = data.draw(st.integers(1, 12))
        pieces.append(text[:size])
        text = text[size:]
    breaks = [
        "\n",
        "\nE     ",
        "\r\n  ",
        "\\n",
        "\\nE   ",
        "&#10;",
        "<br/>",
        "\x1b[31m",
        "\x1b[0m",
        "#x1B[31m",
        "\\u001b[0m",
    ]
    broken = "".join(piece + data.draw(st.sampled_from(breaks)) for piece in pieces)
    assert {} == shown(key, redaction(key)(f"it says {broken} here"))


@given(keys, st.integers(0, 39), st.integers(0, 39))
def test_more_than_eight_characters_are_masked_and_less_are_shown(key: str, first: int, last: int) -> None:
    part = key[min(first, last) : max(first, last)]
    expected = f"'{MASK}...'" if len(part) > MOST_SHOWN else f"'{part}...'"
    assert expected == redaction(key)(f"'{part}...'")


@given(keys, st.integers(1, 30))
def test_a_key_written_in_parts_is_redacted(key: str, size: int) -> None:
    redact, text, before = redaction(key), "", ""
    for at in range(0, len(key), size):
        text += redact.part(before, key[at : at + size])
        before += key[at : at + size]
    assert {} == shown(key, text)


@pytest.mark.parametrize("prefix", ["sk_live_", "github_pat_", "bctrl-test-"])
def test_the_public_part_of_a_key_is_shown(prefix: str) -> None:
    text = f"key must start with {prefix}, and {prefix}x is none"
    redact = redaction(prefix + KEY)
    assert (text, f"it is {MASK}") == (redact(text), redact(f"it is {prefix}{KEY}"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"\x1b[94m{KEY[:7]}\x1b[39m\x1b[33m{KEY[7:]}\x1b[39m", f"\x1b[94m{MASK}\x1b[39m\x1b[33m\x1b[39m"),
        (f"corp\\{KEY}", f"corp\\{MASK}"),
        (f"ü{KEY}ü", f"ü{MASK}ü"),
        (f"{KEY} {KEY}", f"{MASK} {MASK}"),
    ],
)
def test_text_around_a_secret_stays(text: str, clean: str) -> None:
    assert clean == redaction(KEY)(text)


@pytest.mark.parametrize("first", ["ü", "中", "n", "e9", "9"], ids=ascii)
def test_json_and_xml_with_a_secret_stay_valid(first: str) -> None:
    redact = redaction(first + KEY)
    for before in (first, "é", "\n", "ÿ"):
        value = f"x {before}{KEY} y"
        assert MASK in json.loads(redact(json.dumps({"a": value})))["a"]
        assert MASK in str(ElementTree.fromstring(redact.data_bytes(ElementTree.tostring(_element(value)))).text)


@pytest.mark.parametrize("value", [f"{KEY}\udcff{KEY[:9]}", "p\udcffssword of words"])
def test_a_secret_that_is_not_valid_utf_8_is_redacted(value: str) -> None:
    redact = redaction(value)
    assert (f"a {MASK} b", "plaintext") == (redact.value(f"a {value} b"), redact("plaintext"))
    assert redact.find(f"a {value} b") is not None


@pytest.mark.parametrize("value", DUMMIES)
def test_a_secret_of_words_is_masked_as_a_whole_in_values_only(value: str) -> None:
    redact = redaction(value)
    text = f"tests/{value}/test_{value}.py::{value}::test_it[{value}] {value}.json {value}"
    assert (text, text.encode()) == (redact(text), redact.data_bytes(text.encode()))
    assert text.removesuffix(value) + MASK == redact.value(text)
    for shown_value in ("token={}&x=1", "Authorization: Bearer {}\n", '{{"a": "{}"}}', "sid={};", "said {}."):
        assert shown_value.format(MASK) == redact.value(shown_value.format(value))
    finding = Finding(value, "error", value, f"'{value}' is no {value}", observed=[value], operation=value)
    expected = Finding(value, "error", value, f"'{MASK}' is no {value}", observed=[MASK], operation=value)
    assert expected == redact.data(finding)


def test_a_secret_of_words_is_noted_by_its_name() -> None:
    redact = Redaction()
    redact.add("my-secret-token", name="TOKEN")
    redact.add(KEY, name="KEY")
    (note,) = redact.notes()
    assert note.startswith("TOKEN ")
    assert "my-secret" not in note


@pytest.mark.parametrize("value", ["", " ", "\t\n"])
def test_a_blank_key_is_no_key(value: str) -> None:
    redact = Redaction()
    redact.add_environment({"BCTRL_API_KEY": value})
    assert (False, False, []) == (bool(redact), bool(Secret(value)), redact.notes())


def test_paths_and_names_of_tests_are_shown_as_they_are() -> None:
    redact = Redaction()
    redact.add(KEY)
    redact.exempt([f"/home/{KEY}", f"test_{KEY}.py::test_it"])
    text = "/home/{0}/x test_{0}.py::test_it[{1}] {1}"
    assert text.format(KEY, MASK) == redact(text.format(KEY, KEY))


@pytest.mark.parametrize("value", ["http://me:p%40ss-word@proxy.test:8080", "me:p%40ss-word@proxy.test"])
def test_the_password_of_a_proxy_is_a_secret(value: str) -> None:
    redact = Redaction()
    redact.add_environment({"https_proxy": value, "NO_PROXY": "a@b", "HTTP_PROXY": "http://me:xyz@a"})
    assert f"me {MASK} {MASK} {MASK}" == redact.value("me p%40ss-word p@ss-word xyz")
    assert 2 == len(redact.notes())


def test_files_are_renamed_whose_name_has_a_secret_before_or_in_the_suffix(tmp_path: Path) -> None:
    for name in (f"{KEY}.txt", f"{KEY.lower()}.txt", f"shot.{KEY}", f"shot.{KEY.lower()}", "other.txt"):
        path = tmp_path / name
        path.touch()
        redact_name(path, redaction(KEY))
    names = [f"{MASK} 2.txt", f"{MASK}.txt", "other.txt", f"shot 2.{MASK}", f"shot.{MASK}"]
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())


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
    assert value == redaction(KEY, WORDS, "failed").data(value)
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
    assume(not shown(key, text))
    assert text is redaction(key)(text)
