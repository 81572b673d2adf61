"""Credentials that must be refused, made from the right one; and the verdict on the answers they get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pytest_bctrl.checks.answer import Answer, looked
from pytest_bctrl.checks.protocol import around
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField
from pytest_bctrl.finding import Finding
from pytest_bctrl.secret import Secret

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


NONE = Credential("no header", None, "")


def wrong_credentials(key: Secret, field: KeyField = BEARER) -> list[Credential]:
    """Return every kind of wrong credential that a careless server lets in, as values of the field that carries it.

    A kind that this key does not have is left out: a key of digits has no other case, one of a single character
    no first half.
    """
    value, variable = key.reveal(), "BCTRL_API_KEY"
    half, last = max(1, len(value) // 2), len(value) - 1
    kind = ("bearer", "token") if field.is_bearer else ("key", "key")
    keys = [
        (f"empty {kind[0]}", "", ""),
        (f"wrong {kind[1]}", "not-a-key-of-this-api", "not-a-key-of-this-api"),
        ("last character changed", changed_at(value, last), _changed_shell(value, last)),
        ("middle character changed", changed_at(value, last // 2), _changed_shell(value, last // 2)),
        ("last character missing", value[:-1], f"${{{variable}%?}}"),
        ("first half of the key", value[:half], f"${{{variable}:0:{half}}}"),
        ("first character changed", changed_at(value, 0), _changed_shell(value, 0)),
        ("first 8 characters", value[:8], f"${{{variable}:0:8}}"),
        ("key with more behind it", f"{value}x", f"${{{variable}}}x"),
    ]
    schemes = [
        ("key without a scheme", value, f"${{{variable}}}"),
        ("another scheme", f"Token {value}", f"Token ${{{variable}}}"),
        ("key as a user", BASIC.value(value), BASIC.shell(f"${variable}")),
        ("empty header", "", ""),
    ]
    keys.append(("letters in the other case", value.encode().swapcase().decode(), _SWAPPED))
    empty = field.prefix.rstrip()
    made = [
        (name, field.value(text), field.shell(shell)) if text else (name, empty, empty) for name, text, shell in keys
    ]
    made += schemes if field.is_bearer else []
    # A very short key, or one without letters, makes some of them the right credential.
    wrong = [Credential(name, Secret(text), shell) for name, text, shell in made if text != field.value(value)]
    # Every fourth one gets a new connection; the others come first, on those that saw the right key.
    turns = [replace(credential, is_first=number % 4 == 1) for number, credential in enumerate([NONE, *wrong])]
    return sorted(turns, key=lambda credential: credential.is_first)


_SWAPPED = '$(printf %s "$BCTRL_API_KEY" | tr a-zA-Z A-Za-z)'


def changed_at(key: str, at: int) -> str:
    """The key with another character at a place: a server that does not look there lets it in."""
    return f"{key[:at]}{_instead_of(key[at])}{key[at + 1 :]}"


def _changed_shell(key: str, at: int) -> str:
    before = f"${{BCTRL_API_KEY:0:{at}}}" if at else ""
    after = f"${{BCTRL_API_KEY:{at + 1}}}" if at + 1 < len(key) else ""
    return f"{before}{_instead_of(key[at])}{after}"


def _instead_of(character: str) -> str:
    return "x" if character != "x" else "y"


def check_head_refused(answer: Answer) -> Iterator[Violation]:
    """Yield a violation where a HEAD without credential succeeds, or makes the server fail.

    Any refusal will do, since HEAD is not documented; so will 501, by which a server says that it knows no HEAD
    (RFC 9110, 15.6.2).
    """
    looked(answer).add("credential")
    if 200 <= answer.status < 300:
        words, place = "an invalid credential is accepted", "credential: no header, HEAD"
        yield around(RULE, words, place, sorted(REFUSED), answer.status)
    elif answer.status >= 500 and answer.status != 501:
        words = "the server fails at a HEAD"
        yield around("not_a_server_error", words, "status", sorted(REFUSED), answer.status, "HEAD")


def check_refused(answer: Answer, credential: str) -> Iterator[Violation]:
    """Yield a violation where a wrong credential was let in, refused in another way than 401 or 403, or with a list."""
    looked(answer).add("credential")
    if answer.status in REFUSED:
        shown = _items(answer.data)
        if answer.usual is not None and any(item in shown for item in _items(answer.usual.data)[:_COMPARED]):
            yield around(
                RULE, "a refusal shows what is listed", "body", "a refusal alone", "an item of the list", "listed"
            )
    elif answer.status < 500:
        is_let_in = 200 <= answer.status < 300
        what, kind = ("accepted", "accepted") if is_let_in else ("not refused as one", "not refused")
        words, place = f"an invalid credential is {what}", f"credential: {credential}"
        yield around(RULE, words, place, sorted(REFUSED), answer.status, kind)


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
