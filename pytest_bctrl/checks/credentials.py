"""Derives credentials that must be rejected from the right one, and checks the responses to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from random import Random
from string import ascii_letters, digits
from typing import Any, TypeAlias

from pytest_bctrl.checks.protocol import violation_outside_body
from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField
from pytest_bctrl.contract.model import covering_media_type
from pytest_bctrl.findings.engines import tests_of, with_engine
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret, public_part

REFUSED = frozenset({401, 403})
"""Statuses that reject a credential (RFC 9110, 15.5.2 and 15.5.4)."""

RULE = "ignored_auth"


@dataclass(frozen=True, slots=True)
class Credential:
    """A value of the header field that carries the key, which must be rejected; None omits the field.

    `shell` is the value in a reproduction command, built from `$BCTRL_API_KEY` and never from the key. `is_first`
    requires a new connection, because a server may remember the right key on a connection that has carried it.
    """

    name: str
    header: Secret | None
    shell: str
    is_first: bool = False

    @property
    def is_derived(self) -> bool:
        """Whether it contains a part of the key."""
        return _PART_OF_KEY.search(self.shell) is not None


_PART_OF_KEY = re.compile(r"(?<!\\)\$\{")

NONE = Credential("no header", None, "")

_Kind: TypeAlias = tuple[str, str, str]
"""A wrong key, or a value of the header field: its name, the text, and its expression in a shell."""


def wrong_credentials(key: Secret, field: KeyField = BEARER, *, contains_key: bool = False) -> list[Credential]:
    """Return the kinds of wrong credentials that a careless server accepts, as values of the header field.

    None contains more than half of the key, since a server may log or repeat rejected credentials, unless
    `contains_key`: then most contain all of it, or all but a character. Kinds that cannot be derived from this key are
    left out; from an empty key, which stands for one that is not known, all but a few.
    """
    value = key.reveal()
    right = field.value(value)
    empty_label, wrong_label = ("bearer", "token") if field.is_bearer else ("key", "key")
    wrong_keys = _similar_keys(value, field) if contains_key else _partial_keys(value)
    wrong_keys = [(f"wrong {wrong_label}", "not-a-key-of-this-api", "not-a-key-of-this-api"), *wrong_keys]
    headers = [(f"empty {empty_label}", field.prefix.rstrip(), field.prefix.rstrip())]
    headers += [(name, field.value(text), field.shell(shell)) for name, text, shell in wrong_keys if text]
    if value:
        headers += _key_under_schemes(value, field) if contains_key else _generated_under_schemes(value, field)
    if field.is_bearer:
        headers.append(("empty header", "", ""))
    # With a very short key, some of them are the right credential.
    credentials = [Credential(name, Secret(text), shell) for name, text, shell in headers if text != right]
    # Every fourth credential gets a new connection; the others come first, on connections that carried the right key.
    turns = [replace(credential, is_first=number % 4 == 1) for number, credential in enumerate([NONE, *credentials])]
    return sorted(turns, key=lambda credential: credential.is_first)


def _partial_keys(key: str) -> list[_Kind]:
    """Return wrong keys that contain at most half of the key; the rest differs from it in every character."""
    length = len(key)
    half = length // 2
    prefix = min(len(public_part(key)) or 4, half)
    generated = _differing_text(key)
    return [
        ("another of the same length", generated, generated),
        ("first half of the key", key[:half], _part(0, half)),
        ("first half, then others", key[:half] + generated[half:], _part(0, half) + generated[half:]),
        ("second half of the key", key[length - half :], _part(length - half)),
        (
            "others, then second half",
            generated[: length - half] + key[length - half :],
            generated[: length - half] + _part(length - half),
        ),
        ("both ends of the key", *_with_generated_middle(key)),
        ("same prefix, then others", key[:prefix] + generated[prefix:], _part(0, prefix) + generated[prefix:]),
        ("first 8 characters", key[: min(8, half)], _part(0, min(8, half))),
    ]


def _similar_keys(key: str, field: KeyField) -> list[_Kind]:
    """Return wrong keys that contain most of the key, and parts of it.

    They are as many as the partial keys, and each server that accepts one of those accepts one of these.
    """
    length = len(key)
    half, last = length // 2, max(0, length - 1)
    generated = _differing_text(key)
    return [
        ("key with another last character", key[:-1] + generated[-1:], _part(0, last) + generated[-1:]),
        ("key without its last character", key[:-1], _part(0, last)),
        ("key with another first character", generated[:1] + key[1:], generated[:1] + _part(1)),
        ("key with one character more", key + generated[-1:], _part() + generated[-1:]),
        ("key in another case or with another middle", *_in_another_case(key, field)),
        ("first half of the key", key[:half], _part(0, half)),
        ("second half of the key", key[length - half :], _part(length - half)),
        ("first 8 characters", key[: min(8, half)], _part(0, min(8, half))),
    ]


def _in_another_case(key: str, field: KeyField) -> tuple[str, str]:
    """Return the key with letters in the other case, or without any, with other characters, and its shell expression.

    If possible, only the middle half changes, which shows servers that compare both ends, too.
    """
    length, quarter = len(key), len(key) // 4
    # The case of a user name may not matter.
    password = key.find(":") + 1 if field == BASIC else 0
    end = length - quarter
    for start, stop in ((min(max(password, quarter), end), end), (password, length)):
        swapped = key[:start] + key[start:stop].translate(_OTHER_CASE) + key[stop:]
        if swapped != key:
            shell = f'$(printf %s "{_part(start, stop)}" | tr a-zA-Z A-Za-z)'
            return swapped, _part(0, start) + shell + _part(stop)
    return _with_generated_middle(key)


_OTHER_CASE = str.maketrans(ascii_letters, ascii_letters.swapcase())


def _with_generated_middle(key: str) -> tuple[str, str]:
    """Return the key with other characters in its middle half, and its shell expression."""
    quarter, end = len(key) // 4, len(key) - len(key) // 4
    middle = _differing_text(key)[quarter:end]
    return key[:quarter] + middle + key[end:], _part(0, quarter) + middle + _part(end)


def _part(start: int = 0, end: int | None = None) -> str:
    """Return the expression of a shell for the key, or a part of it."""
    if end is not None:
        return f"${{{KEY_VARIABLE}:{start}:{end - start}}}"
    return f"${{{KEY_VARIABLE}:{start}}}" if start else f"${{{KEY_VARIABLE}}}"


def _generated_under_schemes(key: str, field: KeyField) -> list[_Kind]:
    """Return header values with a generated key, for Bearer only: without a scheme, and under two others."""
    if not field.is_bearer:
        return []
    generated = _differing_text(key)
    basic = BASIC.value(generated)
    return [
        ("token without a scheme", generated, generated),
        ("another scheme", f"Token {generated}", f"Token {generated}"),
        ("token as a user", basic, basic),
    ]


def _key_under_schemes(key: str, field: KeyField) -> list[_Kind]:
    """Return header values with the key without its scheme, under another one, and for Bearer as a Basic user."""
    if " " not in field.prefix:
        return []
    variable = _part()
    text, shell = (sent.removeprefix(field.prefix) for sent in (field.value(key), field.shell(variable)))
    scheme = "Bearer" if field.prefix.lower().startswith("token") else "Token"
    kinds = [
        ("key without a scheme", text, shell),
        ("another scheme", f"{scheme} {text}", f"{scheme} {shell}"),
    ]
    if field.is_bearer:
        kinds.append(("key as a user", BASIC.value(key), BASIC.shell(variable)))
    return kinds


def _differing_text(key: str) -> str:
    """Return a text that differs from the key in every character, regardless of case; the same in each run."""
    source = Random(len(key))  # noqa: S311 - it shall be the same in each run
    return "".join(source.choice(_letters_except(letter)) for letter in key)


@cache
def _letters_except(excluded: str) -> list[str]:
    """Return the letters and digits other than this one, in either case."""
    return [letter for letter in _LETTERS if letter.lower() != excluded.lower()]


_LETTERS = ascii_letters + digits


def check_head_refused(response: Response) -> Iterator[Violation]:
    """Yield a violation if HEAD without a credential succeeds, or makes the server fail.

    Any rejection will do, since HEAD is not documented; so will 501, which means that the server does not support
    HEAD (RFC 9110, 15.6.2).
    """
    looked(response).add("credential")
    if 200 <= response.status < 300:
        message, place = "an invalid credential is accepted", "credential: no header, HEAD"
        yield violation_outside_body(RULE, message, place, sorted(REFUSED), response.status)
    elif response.status >= 500 and response.status != 501:
        message = "the server fails at a HEAD"
        yield violation_outside_body("not_a_server_error", message, "status", sorted(REFUSED), response.status, "HEAD")


def check_refused(response: Response, credential: str) -> Iterator[Violation]:
    """Yield a violation unless a wrong credential gets 401 or 403 without items of the list; none for a 5xx status."""
    looked(response).add("credential")
    if response.status in REFUSED:
        shown = _listed_objects(response.data)
        if response.usual is not None and any(
            item in shown for item in _listed_objects(response.usual.data)[:_COMPARED]
        ):
            yield violation_outside_body(
                RULE, "the rejection contains items of the list", "body", "no items", "an item of the list", "listed"
            )
    elif response.status < 500:
        message, kind = "an invalid credential is not rejected as one", "not refused"
        if 200 <= response.status < 300:
            message, kind = "an invalid credential is accepted", "accepted"
        yield violation_outside_body(RULE, message, f"credential: {credential}", sorted(REFUSED), response.status, kind)


def is_of_accepted_credential(finding: Finding, response: Response) -> bool:
    """Return whether a finding is about a success without the right credential, which needs evidence."""
    return 200 <= response.status < 300 and finding.location.startswith("credential: ")


def has_media_type_with_key(response: Response, with_key: Response | None) -> bool:
    """Return whether a success has the media type of the response to the same request with the key.

    Without a key, it must be a documented one.
    """
    if with_key is not None:
        return response.media_type == with_key.media_type
    success = response.operation.success
    documented = success.content if success else {}
    if not documented:
        return not response.media_type
    return covering_media_type(documented, response.media_type) is not None


def is_alike(response: Response, unknown: Response) -> bool:
    """Return whether the response to an unknown path has the same status and media type as a response."""
    return (response.status, response.media_type) == (unknown.status, unknown.media_type)


_COMPARED = 10


def _listed_objects(data: Any) -> list[Any]:
    """Return the objects, except empty ones, in a list, or in the lists that an object has as members."""
    values = [data]
    if isinstance(data, dict):
        values = list(data.values())
    lists = [value for value in values if isinstance(value, list)]
    return [item for items in lists for item in items if isinstance(item, dict) and item]


def merge_accepted(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with those about accepted credentials merged if a request without one is accepted too.

    The finding for the missing credential remains, and lists the other kinds that were accepted. Those of another
    engine are merged into ours if there is one.
    """
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        cause: object = id(finding)
        is_own = isinstance(finding.observed, int) and 200 <= finding.observed < 300
        if finding.location.startswith("credential: ") and (is_own or finding.extra.get("evidence")):
            cause = (finding.operation, finding.level, bool(finding.extra.get("accepted")))
        groups.setdefault(cause, []).append(finding)
    return [finding for group in groups.values() for finding in _merged_credentials(group)]


def _merged_credentials(group: list[Finding]) -> list[Finding]:
    """Return our own findings about accepted credentials, as one if a missing credential is among them; else all."""
    own = [finding for finding in group if "engine" not in finding.extra]
    others = [finding for finding in group if "engine" in finding.extra]
    if not own:
        return others
    first = next((finding for finding in own if finding.location == f"credential: {NONE.name}"), None)
    if first is not None and len(own) > 1:
        own = [_with_further_kinds(first, [finding for finding in own if finding is not first])]
    return [reduce(with_engine, others, own[0]), *own[1:]]


def _with_further_kinds(first: Finding, further: Sequence[Finding]) -> Finding:
    """Return the finding about a missing credential with the other kinds that were accepted, and their tests."""
    kinds = ", ".join(finding.location.removeprefix("credential: ") for finding in further)
    message = f"{first.message}, and so are {len(further)} further kinds: {kinds}"
    findings = [first, *further]
    count, total = sum(finding.count for finding in findings), sum(finding.total or 0 for finding in findings)
    tests = list(dict.fromkeys(test for finding in findings for test in tests_of(finding)))
    extra = {**first.extra, "tests": tests} if tests else first.extra
    return replace(first, message=message, count=count, total=total, extra=extra)
