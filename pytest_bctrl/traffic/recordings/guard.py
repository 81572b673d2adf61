"""Keeps secrets out of recordings: finds the key, `bctrl_secrets` and identifiers, and replaces identifiers."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.files.limits import RECORDED
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import split_url
from pytest_bctrl.request_checks.run import request_checks
from pytest_bctrl.secrets.credentials import Credentials, placeholder
from pytest_bctrl.secrets.decoding import decodings, url_decodings
from pytest_bctrl.secrets.echoes import Echoes
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.traffic.recordings.har_write import REQUEST, RESPONSE, select_headers


class LeakError(BctrlError):
    """A recording was not written because it contains a secret; the message names the location, never the value."""


Finder = Callable[[str], str | None]
"""Returns the encoding of a secret in a text, or None if there is no secret; `Redaction.find` is one."""


def require_absent(exchanges: Sequence[Exchange], name: str, find: Finder, what: str) -> None:
    """Raise `LeakError` if `find` finds a secret in `name` or in a text of `exchanges`; errors call it `what`."""
    encoding = find(name)
    if encoding is not None:
        raise LeakError(
            f"{what} is in the file's name ({encoding})", where="recording", hint="give the recording another name"
        )
    for number, exchange in enumerate(exchanges, 1):
        for location, text in texts(exchange):
            encoding = find(text)
            if encoding is not None:
                pointer = _location_in_json(text, find) if location.endswith("body") else ""
                label = "" if find(exchange.request.label) else f" ({exchange.request.label})"
                raise LeakError(
                    f"{what} is in the {location}{pointer} ({encoding}), and nothing was written",
                    where=f"recording {name}: exchange {number} of {len(exchanges)}{label}",
                    hint="remove it from the requests and responses of the test; list only secret values in "
                    "bctrl_secrets",
                )


def texts(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the location and value of each text of an exchange that is written to the file."""
    request = exchange.request
    yield "method", request.method
    yield "URL", request.url
    for name, value in request.headers:
        yield f"request header {name}", value
    for name, value in exchange.headers:
        yield f"response header {name}", value
    for location, body in (("request body", request.body), ("response body", exchange.body)):
        for text in _body_readings(body):
            yield location, text
    yield "status text", exchange.reason
    yield "test's name", exchange.test


def _body_readings(body: bytes) -> Iterator[str]:
    """Yield a body as text: as it is; if it has zero bytes, without them; if it is gzip or zlib, decompressed."""
    yield body.decode("utf-8", "surrogateescape")
    if b"\0" in body:
        yield body.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    if body.startswith(_COMPRESSED):
        with suppress(zlib.error):
            yield zlib.decompressobj(wbits=_GZIP_OR_ZLIB).decompress(body, RECORDED).decode("utf-8", "surrogateescape")


_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""The first bytes of gzip (RFC 1952, 2.3.1) and of zlib at its usual levels (RFC 1950, 2.2)."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def _location_in_json(text: str, find: Finder) -> str:
    """Return the location of a secret in a JSON text, as ` at LOCATION`; empty if none can be shown."""
    value = None
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
    for location, leaf in _leaves(value):
        # The location itself may contain the secret; a key that is one is shown as a key of its parent.
        if find(leaf) is not None and find(location) is None:
            return f" at {location or '(top)'}"
    return ""


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the location and text of each key and scalar of JSON data."""
    pending = [(value, "")]
    while pending:
        value, location = pending.pop()
        if isinstance(value, dict):
            for key, member in value.items():
                yield f"{location} (a key)".strip(), key
                pending.append((member, f"{location}.{key}".removeprefix(".")))
        elif isinstance(value, list):
            pending += [(item, f"{location}[{index}]") for index, item in enumerate(value)]
        elif value is not None:
            yield location, str(value)


def recordable(exchanges: Iterable[Exchange], contract: Contract) -> list[Exchange]:
    """Return exchanges without credentials, and with the header fields that recordings keep."""
    kept = []
    for exchange in without_credentials(exchanges, contract):
        request = exchange.request
        operation, _ = request_checks(contract).routes.operation_and_values(request.method, request.target)
        sent, received = recorded_fields(operation, exchange.status)
        request = replace(request, headers=select_headers(request.headers, sent))
        headers = select_headers(exchange.headers, received)
        kept.append(
            replace(exchange, request=request, headers=headers, has_all_headers=bool(headers), hides_credentials=True)
        )
    return kept


def recorded_fields(operation: Operation | None, status: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the header fields of requests and of responses that recordings keep, in lower case.

    They are those that are known to be safe, and those that the operation documents; those with a credential have a
    placeholder.
    """
    if operation is None:
        return REQUEST, RESPONSE
    parameters = {parameter.name.lower() for parameter in operation.parameters if parameter.in_ == "header"}
    documented = operation.response_for(status)
    fields = documented.headers if documented is not None else ()
    return REQUEST | parameters, RESPONSE | {field.name.lower() for field in fields}


def without_credentials(exchanges: Iterable[Exchange], contract: Contract) -> list[Exchange]:
    """Return exchanges with placeholders in place of credentials, wherever one of the exchanges repeats them.

    A placeholder fits the same schemas, so an exchange that conforms to the contract still does.
    """
    values: set[str] = set()
    clean = []
    for exchange in exchanges:
        edited, found = _split(exchange, contract)
        clean.append(edited)
        values |= found
    echoes = Echoes(values, placeholder)
    if not echoes:
        return clean
    return [_with_texts(exchange, echoes.text) for exchange in clean]


def credentials_in(exchanges: Iterable[Exchange], contract: Contract) -> frozenset[str]:
    """Return the credentials in exchanges."""
    return frozenset(value for exchange in exchanges for value in _split(exchange, contract)[1])


def _split(exchange: Exchange, contract: Contract) -> tuple[Exchange, Set[str]]:
    """Return an exchange with placeholders in place of its credentials, and the credentials."""
    request = exchange.request
    credentials, path_values = _credentials_for(contract, request.method, request.target)
    # The form of a credential may be a whole URL.
    url = credentials.url(request.url, path_values)
    base_url, target = split_url(url, urlsplit(request.base_url).path)
    request = replace(
        request,
        base_url=base_url,
        target=target,
        headers=credentials.headers(request.headers),
        body=credentials.body(request.body, request.header("content-type") or ""),
    )
    edited = replace(
        exchange,
        request=request,
        headers=credentials.headers(exchange.headers),
        body=credentials.body(exchange.body, exchange.header("content-type")),
        reason=credentials.text(exchange.reason),
    )
    return edited, credentials.values.keys()


def recorded_target(contract: Contract, method: str, target: str) -> str:
    """Return a request target as a recording has it: with placeholders in place of credentials."""
    credentials, path_values = _credentials_for(contract, method, target)
    return credentials.url(target, path_values)


def _credentials_for(contract: Contract, method: str, target: str) -> tuple[Credentials, Mapping[str, str]]:
    """Return what replaces credentials by placeholders in exchanges of a request, and the values in its path."""
    match = request_checks(contract).routes.match(target)
    operation = match.of(method) if match else None
    return credentials_for(contract, operation, placeholder), match.values if match else {}


# Without word boundaries, so that a letter in front of an id does not hide it.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# 32 digits without hyphens are an identifier only if the same UUID occurs with hyphens; otherwise they may be a digest.
_COMPACT = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_IDENTIFIER = re.compile(f"{_UUID.pattern}|{_COMPACT.pattern}")


def replacement(identifier: str) -> str:
    """Return the replacement of an identifier: always the same UUID of version 4, which does not reveal it."""
    return as_uuid(blake2b(identifier.lower().encode("utf-8", "surrogateescape"), digest_size=16).hexdigest())


def without_uuids(text: str) -> str:
    """Return a text in which every UUID with hyphens is replaced, equal UUIDs by the same UUID."""
    return _UUID.sub(lambda match: replacement(match[0]), text)


def scrub(exchanges: Sequence[Exchange], name: str, space_id: str) -> tuple[Exchange, ...]:
    """Return `exchanges` with every UUID and the space id replaced, in URLs, headers and bodies.

    Raises `LeakError` if an identifier remains in an encoding that cannot be replaced, such as base64, or in `name`,
    the name of the recording.
    """
    uuids: set[str] = set()
    for exchange in exchanges:
        for _, text in texts(exchange):
            uuids |= {uuid.lower() for uuid in _uuids(text)}
    compact = frozenset(uuid.replace("-", "") for uuid in {*uuids, *_uuids(space_id.lower())})
    clean = tuple(_scrub_exchange(exchange, space_id, compact) for exchange in exchanges)
    replacements = {replacement(identifier) for identifier in (*uuids, space_id)}
    require_absent(clean, name, _identifier_finder(replacements, compact, space_id), "an identifier")
    return clean


def _scrub_exchange(exchange: Exchange, space_id: str, compact: Set[str]) -> Exchange:
    """Return an exchange with the space id, UUIDs and the digits in `compact` replaced in URL, headers and bodies."""
    space_pattern = "(?!)"
    if space_id and not _UUID.fullmatch(space_id):
        # With word boundaries: the id of a space may be `a`.
        space_pattern = rf"(?<!\w){re.escape(space_id)}(?!\w)|{replacement(space_id)}"
    spaces = re.compile(space_pattern)

    def replace_identifier(match: re.Match[str]) -> str:
        """Return the replacement of a UUID in the same form; 32 digits that are not in `compact` are unchanged."""
        if "-" not in match[0] and match[0].lower() not in compact:
            return match[0]
        uuid = replacement(str(UUID(match[0])))
        if "-" not in match[0]:
            uuid = uuid.replace("-", "")
        if match[0].isupper():
            uuid = uuid.upper()
        return uuid

    def scrub_text(text: str) -> str:
        """Return a text with the space id and every UUID replaced."""
        parts = (_IDENTIFIER.sub(replace_identifier, part) for part in spaces.split(text))
        return replacement(space_id).join(parts)

    return _with_texts(exchange, scrub_text)


def _with_texts(exchange: Exchange, edit: Callable[[str], str]) -> Exchange:
    """Return an exchange with its URL, status text, header values and bodies as `edit` returns them."""

    def edit_bytes(data: bytes) -> bytes:
        """Return a body as `edit` returns its text."""
        return edit(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    request = replace(
        exchange.request,
        base_url=edit(exchange.request.base_url),
        target=edit(exchange.request.target),
        headers=tuple((name, edit(value)) for name, value in exchange.request.headers),
        body=edit_bytes(exchange.request.body),
    )
    return replace(
        exchange,
        request=request,
        headers=tuple((name, edit(value)) for name, value in exchange.headers),
        body=edit_bytes(exchange.body),
        reason=edit(exchange.reason),
    )


def _uuids(text: str) -> set[str]:
    """Return the UUIDs with hyphens in a text, also those that are URL-encoded."""
    return {uuid for reading in url_decodings(text) for uuid in _UUID.findall(reading)}


def _identifier_finder(replacements: Set[str], compact: Set[str], space_id: str) -> Finder:
    """Return a finder of UUIDs that are not in `replacements`, of the digits in `compact`, and of the space id."""
    space = Redaction()
    if not _UUID.fullmatch(space_id):
        space.add(space_id)

    def find(text: str) -> str | None:
        """Return the encoding of an identifier that was not replaced; None if the text has none."""
        for encoding, reading in decodings(text):
            if any(uuid.lower() not in replacements for uuid in _UUID.findall(reading)):
                return encoding
            if any(digits.lower() in compact for digits in _COMPACT.findall(reading)):
                return encoding
        return space.find(text)

    return find
