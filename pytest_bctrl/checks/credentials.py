"""Derives credentials that must be rejected from the right one, and checks the responses to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from string import ascii_letters, digits
from typing import Any

from pytest_bctrl.checks.protocol import violation_outside_body
from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField
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
        return KEY_VARIABLE in self.shell


NONE = Credential("no header", None, "")


def wrong_credentials(key: Secret, field: KeyField = BEARER) -> list[Credential]:
    """Return the kinds of wrong credentials that a careless server accepts, as values of the header field.

    None contains more than half of the key, since a server may log or repeat rejected credentials. The rest is
    generated, and differs from the key in every character. Kinds that cannot be derived from this key are left out.
    """
    value, variable = key.reveal(), KEY_VARIABLE
    length = len(value)
    half, quarter = length // 2, length // 4
    prefix = min(len(public_part(value)) or 4, half)
    generated = _differing_text(value)
    labels = ("key", "key")
    if field.is_bearer:
        labels = ("bearer", "token")
    first, second = f"${{{variable}:0:{half}}}", f"${{{variable}:{length - half}}}"
    start, end = f"${{{variable}:0:{quarter}}}", f"${{{variable}:{length - quarter}}}"
    keys = [
        (f"wrong {labels[1]}", "not-a-key-of-this-api", "not-a-key-of-this-api"),
        ("another of the same length", generated, generated),
        ("first half of the key", value[:half], first),
        ("first half, then others", value[:half] + generated[half:], first + generated[half:]),
        ("second half of the key", value[length - half :], second),
        (
            "others, then second half",
            generated[: length - half] + value[length - half :],
            generated[: length - half] + second,
        ),
        (
            "both ends of the key",
            value[:quarter] + generated[quarter : length - quarter] + value[length - quarter :],
            start + generated[quarter : length - quarter] + end,
        ),
        (
            "same prefix, then others",
            value[:prefix] + generated[prefix:],
            f"${{{variable}:0:{prefix}}}{generated[prefix:]}",
        ),
        ("first 8 characters", value[: min(8, half)], f"${{{variable}:0:{min(8, half)}}}"),
    ]
    basic = BASIC.value(generated)
    schemes = [
        ("token without a scheme", generated, generated),
        ("another scheme", f"Token {generated}", f"Token {generated}"),
        ("token as a user", basic, basic),
        ("empty header", "", ""),
    ]
    empty = field.prefix.rstrip()
    headers = [(f"empty {labels[0]}", empty, empty)]
    headers += [(name, field.value(text), field.shell(shell)) for name, text, shell in keys if text]
    if field.is_bearer:
        headers += schemes
    # With a very short key, some of them are the right credential.
    credentials = [Credential(name, Secret(text), shell) for name, text, shell in headers if text != field.value(value)]
    # Every fourth credential gets a new connection; the others come first, on connections that carried the right key.
    turns = [replace(credential, is_first=number % 4 == 1) for number, credential in enumerate([NONE, *credentials])]
    return sorted(turns, key=lambda credential: credential.is_first)


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

    The finding for the missing credential remains, and lists the other kinds that were accepted.
    """
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        cause: object = id(finding)
        if finding.rule == RULE and isinstance(finding.observed, int) and 200 <= finding.observed < 300:
            cause = (finding.operation, finding.level, bool(finding.extra.get("accepted")))
        groups.setdefault(cause, []).append(finding)
    return [finding for group in groups.values() for finding in _merged_credentials(group)]


def _merged_credentials(group: list[Finding]) -> list[Finding]:
    """Return findings about accepted credentials as one if a missing credential is among them, else unchanged."""
    first = next((finding for finding in group if finding.location == f"credential: {NONE.name}"), None)
    if first is None or len(group) == 1:
        return group
    further = ", ".join(finding.location.removeprefix("credential: ") for finding in group if finding is not first)
    message = f"{first.message}, and so are {len(group) - 1} further kinds: {further}"
    count, total = sum(finding.count for finding in group), sum(finding.total or 0 for finding in group)
    return [replace(first, message=message, count=count, total=total)]
