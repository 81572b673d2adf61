"""Credentials that must be refused, made from the right one; and the verdict on the answers they get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from string import ascii_letters, digits
from typing import Any

from pytest_bctrl.checks.protocol import around
from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret, public_part

REFUSED = frozenset({401, 403})
"""Statuses that refuse a credential (RFC 9110, 15.5.2 and 15.5.4)."""

RULE = "ignored_auth"


@dataclass(frozen=True, slots=True)
class Credential:
    """One value of the header field that carries the key, which must be refused; None sends none.

    `shell` writes the same for a reproduction command, made from `$BCTRL_API_KEY` and never from the key. `is_first`
    asks for a connection of its own; on one that has seen the right key, a server may remember it.
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
    """Return every kind of wrong credential that a careless server accepts, as values of the field that carries it.

    None contains more than half of the key, since a server may write down or repeat what it rejects. The rest of a
    credential is made up, and differs from the key at each place. A kind that this key does not have is left out.
    """
    value, variable = key.reveal(), KEY_VARIABLE
    length = len(value)
    half, quarter = length // 2, length // 4
    prefix = min(len(public_part(value)) or 4, half)
    other = _other(value)
    kind = ("bearer", "token") if field.is_bearer else ("key", "key")
    first, second = f"${{{variable}:0:{half}}}", f"${{{variable}:{length - half}}}"
    start, end = f"${{{variable}:0:{quarter}}}", f"${{{variable}:{length - quarter}}}"
    keys = [
        (f"wrong {kind[1]}", "not-a-key-of-this-api", "not-a-key-of-this-api"),
        ("another of the same length", other, other),
        ("first half of the key", value[:half], first),
        ("first half, then others", value[:half] + other[half:], first + other[half:]),
        ("second half of the key", value[length - half :], second),
        ("others, then second half", other[: length - half] + value[length - half :], other[: length - half] + second),
        (
            "both ends of the key",
            value[:quarter] + other[quarter : length - quarter] + value[length - quarter :],
            start + other[quarter : length - quarter] + end,
        ),
        ("same prefix, then others", value[:prefix] + other[prefix:], f"${{{variable}:0:{prefix}}}{other[prefix:]}"),
        ("first 8 characters", value[: min(8, half)], f"${{{variable}:0:{min(8, half)}}}"),
    ]
    basic = BASIC.value(other)
    schemes = [
        ("token without a scheme", other, other),
        ("another scheme", f"Token {other}", f"Token {other}"),
        ("token as a user", basic, basic),
        ("empty header", "", ""),
    ]
    empty = field.prefix.rstrip()
    headers = [(f"empty {kind[0]}", empty, empty)]
    headers += [(name, field.value(text), field.shell(shell)) for name, text, shell in keys if text]
    headers += schemes if field.is_bearer else []
    # A very short key makes some of them the right credential.
    wrong = [Credential(name, Secret(text), shell) for name, text, shell in headers if text != field.value(value)]
    # Every fourth one gets a new connection; the others come first, on those that saw the right key.
    turns = [replace(credential, is_first=number % 4 == 1) for number, credential in enumerate([NONE, *wrong])]
    return sorted(turns, key=lambda credential: credential.is_first)


def _other(key: str) -> str:
    """Return made-up letters and digits, as many as the key has, at each place another one, in either case."""
    source = Random(len(key))  # noqa: S311 - it shall be the same in each run
    return "".join(source.choice([one for one in _LETTERS if one.lower() != letter.lower()]) for letter in key)


_LETTERS = ascii_letters + digits


def check_head_refused(response: Response) -> Iterator[Violation]:
    """Yield a violation where a HEAD without credential succeeds, or makes the server fail.

    Any refusal will do, since HEAD is not documented; so will 501, by which a server says that it knows no HEAD
    (RFC 9110, 15.6.2).
    """
    looked(response).add("credential")
    if 200 <= response.status < 300:
        words, place = "an invalid credential is accepted", "credential: no header, HEAD"
        yield around(RULE, words, place, sorted(REFUSED), response.status)
    elif response.status >= 500 and response.status != 501:
        words = "the server fails at a HEAD"
        yield around("not_a_server_error", words, "status", sorted(REFUSED), response.status, "HEAD")


def check_refused(response: Response, credential: str) -> Iterator[Violation]:
    """Yield a violation where a wrong credential was let in, refused in another way than 401 or 403, or with a list."""
    looked(response).add("credential")
    if response.status in REFUSED:
        shown = _items(response.data)
        if response.usual is not None and any(item in shown for item in _items(response.usual.data)[:_COMPARED]):
            yield around(
                RULE, "a refusal shows what is listed", "body", "a refusal alone", "an item of the list", "listed"
            )
    elif response.status < 500:
        is_let_in = 200 <= response.status < 300
        what, kind = ("accepted", "accepted") if is_let_in else ("not refused as one", "not refused")
        words, place = f"an invalid credential is {what}", f"credential: {credential}"
        yield around(RULE, words, place, sorted(REFUSED), response.status, kind)


_COMPARED = 10


def _items(data: Any) -> list[Any]:
    """The objects in the lists of a body."""
    lists = [one for one in (data.values() if isinstance(data, dict) else [data]) if isinstance(one, list)]
    return [item for one in lists for item in one if isinstance(item, dict) and item]


def as_one(found: Iterable[Finding]) -> list[Finding]:
    """Fold the findings of one cause: who lets in a request without a credential looks at none, or a cache leaks.

    The finding that stays keeps its name, and says in which other places the same was seen.
    """
    groups: dict[object, list[Finding]] = {}
    for one in found:
        is_let_in = one.rule == RULE and isinstance(one.observed, int) and 200 <= one.observed < 300
        cause = (one.operation, one.level, bool(one.extra.get("accepted"))) if is_let_in else id(one)
        groups.setdefault(cause, []).append(one)
    return [one for group in groups.values() for one in _folded(group)]


def _folded(group: list[Finding]) -> list[Finding]:
    first = next((one for one in group if one.location == f"credential: {NONE.name}"), None)
    if first is None or len(group) == 1:
        return group
    also = ", ".join(one.location.removeprefix("credential: ") for one in group if one is not first)
    message = f"{first.message}, and so are {len(group) - 1} further kinds: {also}"
    count, total = sum(one.count for one in group), sum(one.total or 0 for one in group)
    return [replace(first, message=message, count=count, total=total)]
