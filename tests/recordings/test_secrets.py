"""No key and no scrubbed identifier is in a file, in any encoding."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.traffic.recordings.guard import LeakError, replacement, require_absent, scrub, without_credentials
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.recordings.conftest import CONTRACT
from tests.recordings.recorded_exchange import recorded_exchange

Encoding = Callable[[str], str]


def require_no_secret(exchanges: Sequence[Exchange], name: str, value: str) -> None:
    """Raise `LeakError` if an exchange, or the name of their file, contains a secret."""
    hide = Redaction()
    hide.add(value)
    require_absent(exchanges, name, hide.find, "a secret")


PLAIN = recorded_exchange("GET", "https://api.example.test/v1/spaces/s/runtimes", 200, body=b'{"runtimes": []}')


def _encoded(code: Callable[[bytes], bytes], before: int, text: str) -> str:
    """Return a text encoded with `code` after this number of other bytes, and before two."""
    return code(b"x" * before + text.encode() + b"yz").decode()


def _every_letter(text: str) -> str:
    """Return a text with each UTF-16 unit as a JSON escape."""
    units = text.encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


ENCODINGS: dict[str, Encoding] = {
    "plain": str,
    "url": lambda text: quote(text, safe=""),
    "url with plus": quote_plus,
    "url with slashes": quote,
    "url, every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "url, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not ascii": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json, every letter": _every_letter,
    "json in json": lambda text: json.dumps(json.dumps(text))[1:-1],
    **{f"base64, {before} before": partial(_encoded, base64.b64encode, before) for before in range(4)},
    **{f"base64url, {before} before": partial(_encoded, base64.urlsafe_b64encode, before) for before in range(4)},
    "base64 in lines": lambda text: base64.encodebytes(b"Authorization: Bearer " * 3 + text.encode()).decode(),
    "base64 in a url": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hex": lambda text: text.encode().hex(),
    "html": html.escape,
    "html, every letter": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
}


def with_request(exchange: Exchange, **changes: Any) -> Exchange:
    return replace(exchange, request=replace(exchange.request, **changes))


LOCATIONS: dict[str, Callable[[Exchange, str], Exchange]] = {
    "url": lambda exchange, text: with_request(exchange, target=f"{exchange.request.target}?q={text}"),
    "request header": lambda exchange, text: with_request(exchange, headers=(("accept", f"a{text}"),)),
    "response header": lambda exchange, text: replace(exchange, headers=(("Link", f"<{text}>"),)),
    "request body": lambda exchange, text: with_request(exchange, body=f"k={text}".encode()),
    "body": lambda exchange, text: replace(exchange, body=f'{{"note": "{text}"}}'.encode()),
    "name": lambda exchange, text: replace(exchange, test=f"test_it[{text}]"),
}

WORDS = f"recordings/x.har {LeakError.__doc__}" + str(
    LeakError(
        "a secret is in the request header response header request body (URL-encoded or escaped base64 plain), "
        "and nothing was written at note status text method test's name accept Link",
        "recording recordings/x.har: exchange 2 of 2 (GET /v1/spaces/s/runtimes)",
        "remove it from the requests and responses of the test; list only secret values in bctrl_secrets",
    )
)

keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40).filter(
    lambda text: text.strip() == text
)


@settings(max_examples=300, deadline=None)
# These are words of the error, which the test leaves out.
@example("uest b", "base64 in a url", "request body")
@example("::RECORD", "base64, 0 before", "body")
@given(keys | values, st.sampled_from(sorted(ENCODINGS)), st.sampled_from(sorted(LOCATIONS)))
def test_a_secret_in_any_encoding_and_location_is_an_error_that_does_not_show_it(
    value: str, encoding: str, location: str
) -> None:
    # Words of the error and of the example are not secrets. Parts of a secret are found in upper and lower case.
    words = f"{WORDS}{PLAIN!r}{PLAIN.body!r}".lower()
    assume(not any(value[at : at + 6].lower() in words for at in range(len(value) - 5)))
    exchange = LOCATIONS[location](PLAIN, ENCODINGS[encoding](value))

    with pytest.raises(LeakError) as caught:
        require_no_secret([PLAIN, exchange], "recordings/x.har", value)

    assert value not in str(caught.value)
    assert "exchange 2 of 2" in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(keys)
def test_an_exchange_without_the_secret_is_accepted(value: str) -> None:
    """`require_no_secret` raises nothing for a text that resembles it."""
    body = json.dumps({"note": "".join(chr(ord(letter) + 1) for letter in value)}).encode()
    if value not in repr(PLAIN) and value not in "recordings/x.har":
        require_no_secret([replace(PLAIN, body=body)], "recordings/x.har", f"{value}-{value}")


PACKED: dict[str, Callable[[str], bytes]] = {
    "gzip": lambda text: gzip.compress(text.encode()),
    "zlib": lambda text: zlib.compress(text.encode()),
    "zlib, small": lambda text: zlib.compress(text.encode(), level=9),
    **{name: partial(str.encode, encoding=name) for name in ("utf-16", "utf-16-be", "utf-32")},
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("location", ["request body", "response body"])
def test_a_secret_in_a_compressed_or_utf_16_body_is_found(packing: str, location: str) -> None:
    packed = PACKED[packing]('{"note": "pk-sekret-value"}')

    exchange = replace(PLAIN, body=packed) if location == "response body" else with_request(PLAIN, body=packed)
    with pytest.raises(LeakError, match=f"the {location}"):
        require_no_secret([exchange], "x.har", "pk-sekret-value")
    require_no_secret([replace(PLAIN, body=packed[:12])], "x.har", "pk-sekret-value")


@pytest.mark.parametrize(
    ("body", "value"),
    {
        b"abc": "abc",
        base64.b64encode(base64.b64encode(b"a harmless text of some length")): "sekret-value",
    }.items(),
    ids=["shorter than a secret", "base64 of something else"],
)
def test_a_body_without_the_complete_secret_is_accepted(body: bytes, value: str) -> None:
    """Its first letters, or base64 of something else."""
    require_no_secret([replace(PLAIN, body=body)], "abc.har", value)


def test_a_url_that_is_a_credential_is_replaced() -> None:
    hook = recorded_exchange("POST", "https://hooks.slack.com/services/T0/B0/abcdef", 200)

    (clean,) = without_credentials([hook], CONTRACT)

    assert "abcdef" not in clean.request.url


def test_a_secret_in_the_file_name_is_an_error() -> None:
    with pytest.raises(LeakError, match=r"^recording: a secret is in the file's name \(plain\)"):
        require_no_secret([PLAIN], "recordings/sekret-value.har", "sekret-value")


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (b'{"runtimes": [{"metadata": {"note": "xx sekret-value"}}]}', r" at runtimes\[0\]\.metadata\.note"),
        (b"no JSON: sekret-value", ""),
        # It reaches over a key and its value.
        (b'{"note": "x", "sekret":"value"}', ""),
    ],
)
def test_the_error_has_the_location_in_a_json_body(body: bytes, location: str) -> None:
    secret = 'sekret":"value' if b':"value' in body else "sekret-value"

    with pytest.raises(LeakError, match=rf"response body{location} \(plain\)"):
        require_no_secret([replace(PLAIN, body=body)], "x.har", secret)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.uuids().map(str), min_size=1, max_size=4, unique=True), st.booleans())
def test_scrubbing_replaces_identifiers_consistently(identifiers: list[str], upper: bool) -> None:
    """Each UUID has the same replacement wherever it occurs, in the URL and the body, in either case."""
    shown = [identifier.upper() if upper else identifier for identifier in identifiers]
    body = json.dumps({"ids": shown + shown, "first": shown[0]}).encode()
    exchange = with_request(replace(PLAIN, body=body), target=f"/v1/spaces/{shown[0]}/runtimes")

    (scrubbed,) = scrub([exchange], "x.har", identifiers[0])

    written = encode(Recording((scrubbed,)))
    assert not [identifier for identifier in identifiers if re.search(identifier, written.decode(), re.IGNORECASE)]
    data = json.loads(scrubbed.body)
    assert [replacement(identifier) for identifier in identifiers] * 2 == [
        identifier_in_body.lower() for identifier_in_body in data["ids"]
    ]
    assert data["ids"][0] == data["first"]
    assert scrubbed.request.target.lower() == f"/v1/spaces/{replacement(identifiers[0])}/runtimes"


def test_a_uuid_without_hyphens_is_scrubbed() -> None:
    """A digest of the same length is not; inside base64, it is an error."""
    identifier, digest = UUID("7d9b3f5e-2a1c-4e8f-b6d0-91c2a3b4c5d6"), "0123456789abcdef" * 2
    exchange = replace(
        PLAIN, body=json.dumps([str(identifier), identifier.hex, identifier.hex.upper(), digest]).encode()
    )

    (scrubbed,) = scrub([exchange], "x.har", "some-space")

    instead = UUID(replacement(str(identifier)))
    assert [str(instead), instead.hex, instead.hex.upper(), digest] == json.loads(scrubbed.body)
    packed = base64.b64encode(f"id={identifier.hex};".encode()).decode()
    with pytest.raises(LeakError):
        scrub([replace(PLAIN, body=json.dumps([str(identifier), packed]).encode())], "x.har", "some-space")


@settings(max_examples=200, deadline=None)
@given(st.uuids().map(str), st.sampled_from(sorted(ENCODINGS)), st.sampled_from(sorted(LOCATIONS)))
def test_an_identifier_in_any_encoding_is_scrubbed_or_an_error(identifier: str, encoding: str, location: str) -> None:
    """What `scrub` returns does not contain it, in any encoding or location."""
    exchange = LOCATIONS[location](PLAIN, ENCODINGS[encoding](identifier))
    # The search for secrets also finds identifiers in any encoding.
    require_no_secret(_scrubbed(exchange, identifier), "x.har", identifier)


def _scrubbed(exchange: Exchange, identifier: str) -> list[Exchange]:
    """Return the scrubbed exchange; none if `scrub` raises a `LeakError`, which must not show the identifier."""
    try:
        return list(scrub([exchange], "x.har", "some-space"))
    except LeakError as error:
        if identifier in str(error):
            raise
        return []


def test_a_space_id_that_is_not_a_uuid_is_scrubbed_as_a_whole_word() -> None:
    """As part of another word it is an error."""
    exchange = with_request(
        replace(PLAIN, body=b'{"spaceId": "acme", "n": "acmeism"}'), target="/v1/spaces/acme/runtimes"
    )

    (scrubbed,) = scrub([replace(exchange, body=b'{"spaceId": "acme"}')], "x.har", "acme")

    assert replacement("acme") in scrubbed.request.target
    assert {"spaceId": replacement("acme")} == json.loads(scrubbed.body)
    with pytest.raises(LeakError):
        scrub([exchange], "x.har", "acme")
