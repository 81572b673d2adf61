"""Where a rule comes from, what a check sees at one exact place, and what makes one finding."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.contract.schema.locations import Path, exact_location, general_location, select_values
from pytest_bctrl.contract.short_values import shorten
from pytest_bctrl.findings.finding import Finding, Level
from pytest_bctrl.findings.fingerprint import BY_VALUE, named, value_text
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE, added_by_overlay, is_of_overlay_alone
from pytest_bctrl.observed.totals import APART, FURTHER, FURTHER_MESSAGE, at_least, capped, numbered

_LONG = 1_000


def source_of(rule: str, response: Response) -> str:
    """Return where a rule comes from: HTTP, the kit, the published spec, the overlay, or a contract without one."""
    known = rules().get(rule)
    if known is not None and known.of != "contract":
        return known.of
    added = added_by_overlay(response.contract)
    if added is None:
        return "contract"
    invariants = (one["rule"] for one in response.operation.invariants)
    status = response.documented.status if response.documented is not None else ""
    is_added = (response.operation.label, status) in added or rule == "ignored_auth" or rule in invariants
    return "overlay" if is_added else "published spec"


def breaks_overlay_alone(response: Response, violation: Violation) -> bool:
    """Whether an error breaks what the overlay adds and nothing that is published, so that it is a warning."""
    return is_of_overlay_alone(
        response.contract,
        response.operation,
        response.status,
        rule=violation.rule,
        level=violation.level,
        expected=violation.expected,
        place=violation.place,
        kind=violation.kind,
        body=response.body,
        media_type=response.media_type,
    )


def answered_by(response: Response) -> str:
    """Return who gave an answer, in a sentence, by how it differs from the plain one; empty where nothing tells."""
    usual = response.usual
    if usual is None or response.status < 300:
        return ""
    signs = []
    if usual.parsed.ok and not response.parsed.ok:
        signs.append("it is not JSON" if response.body else "it has no body")
    for name in ("Server", "Via"):
        own, known = response.header(name), usual.header(name)
        if own != known:
            signs.append(f"its {name} is {own or 'missing'}, that of the plain answer {known or 'missing'}")
    return f"a proxy or framework before the application, it seems: {'; '.join(signs)}" if signs else "the application"


def is_malformed(values: Iterable[str]) -> bool:
    """Whether no client sends such path values: control characters, slashes, dot segments, no text, or far too long."""
    return any(
        not value.strip(".")
        or len(value) > _LONG
        or any(letter in "/\\" or unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co") for letter in value)
        for value in values
    )


def softened(response: Response, found: list[Finding]) -> list[Finding]:
    """Return what is wrong with the refusal of an odd path value, at the level that its rule deserves.

    Where only the overlay documents refusals, that is a warning. Where something before the application refused what
    no client sends, that is one finding of level `info`. A crash and an answer as if all were well stay what they are.
    """
    if not 300 <= response.status < 500 or not found:
        return found
    if is_malformed(response.path_values.values()) and answered_by(response) not in ("", "the application"):
        message = "what no client sends is refused before it reaches the application"
        return [replace(found[0], level="info", message=message)]
    added, operation = added_by_overlay(response.contract) or frozenset(), response.operation
    documented = (
        [response.documented.status] if response.documented else [one for one in operation.responses if one[0] > "2"]
    )
    is_soft = bool(documented) and all((operation.label, status) in added for status in documented)
    return [replace(one, level="warning") if is_soft and one.level == "error" else one for one in found]


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule at one exact place of one body (`path`), or of the answer around it (`place`).

    `message` names the rule's reason and never the value, so that equal troubles fall together; `kind` names the way
    in which the rule is broken, where it can be in several, and stays when messages are worded again.
    """

    rule: str
    level: Level
    message: str
    path: Path = ()
    place: str = ""
    expected: Any = None
    observed: Any = None
    kind: str = ""


def findings(response: Response, violations: Iterable[Violation], engine: str = "") -> list[Finding]:
    """Group the violations of one answer: one finding a rule, generalised location and message, in first-seen order.

    An undocumented value is a finding of its own, up to `APART` of them at a place; one finding stands for the rest.
    `engine` names what looked, where that is another than the checks of the kit.
    """
    groups: dict[tuple[str, ...], list[Violation]] = {}
    apart: dict[tuple[str, ...], set[str]] = {}
    for violation in violations:
        where = violation.place or general_location(violation.path)
        key: tuple[str, ...] = (where, violation.rule, violation.message)
        if violation.kind in BY_VALUE:
            told = apart.setdefault((*key, violation.kind), set())
            value = value_text(shorten(violation.observed))
            if value in told or len(told) < APART:
                told.add(value)
                key = (*key, violation.kind, value)
            else:
                key = (where, violation.rule, FURTHER_MESSAGE)
        groups.setdefault(key, []).append(violation)
    made = [
        _further(response, key[0], group) if key[2] == FURTHER_MESSAGE else _finding(response, key[0], group)
        for key, group in groups.items()
    ]
    return [replace(one, extra={**one.extra, "engine": engine}) for one in made] if engine else made


def _further(response: Response, where: str, group: list[Violation]) -> Finding:
    """One finding for all the violations by values that are not told apart."""
    first = replace(group[0], message=FURTHER_MESSAGE, kind=FURTHER)
    values = {value_text(shorten(one.observed)) for one in group}
    return numbered(_finding(response, where, [first, *group[1:]]), len(values))


def _finding(response: Response, where: str, group: list[Violation]) -> Finding:
    first = group[0]
    known = {"status": str(response.status), "kind": first.kind, "source": source_of(first.rule, response)}
    known["answered_by"] = answered_by(response)
    is_added = breaks_overlay_alone(response, first)
    if is_added:
        known["source"] = "overlay"
    finding = Finding(
        rule=first.rule,
        level="warning" if is_added else first.level,
        location=where,
        message=first.message + (OVERLAY_ALONE if is_added else ""),
        expected=shorten(first.expected),
        observed=shorten(first.observed),
        count=len({violation.path for violation in group}),
        total=1 if first.place else max(len({violation.path for violation in group}), _looked_at(response, first.path)),
        sample=None if first.place else {"location": exact_location(first.path), "value": shorten(first.observed)},
        operation=response.operation.label,
        reproduce=response.reproduce,
        extra={
            **evidence(response, first.path),
            **item_of(response.data, first.path),
            **{name: value for name, value in known.items() if value},
        },
    )
    return named(finding)


def item_of(data: Any, path: Path) -> dict[str, Any]:
    """Return `item`: where the innermost item of a list on the way down `path` is, with its `id` and `name`.

    Nothing for a place in no list, or in one whose items have neither.
    """
    found: dict[str, Any] = {}
    for depth, step in enumerate(path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            break
        named = {key: data[key] for key in ("id", "name") if isinstance(data, dict) and _is_name(data.get(key))}
        if isinstance(step, int) and named:
            found = {"item": {"location": exact_location(path[: depth + 1]), **named}}
    return found


def _is_name(value: Any) -> bool:
    is_text = isinstance(value, str) and 0 < len(value) <= _NAME
    return is_text or (isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64)


_NAME = 80


def _looked_at(response: Response, path: Path) -> int:
    """How many places of the body are like `path`: list items, or the objects that could hold the property."""
    is_member = bool(path) and isinstance(path[-1], str)
    places = select_values(response.data, general_location(path[:-1] if is_member else path))
    return sum(1 for _, value in places if not is_member or isinstance(value, dict))


def merge(collected: Iterable[Finding]) -> list[Finding]:
    """Fold findings of many answers: same operation, rule, level, place, kind and message become one, counts added."""
    merged: dict[tuple[str, ...], Finding] = {}
    for finding in map(named, collected):
        key = (finding.operation, finding.rule, finding.level, finding.location, finding.message, finding.fingerprint)
        known = merged.get(key)
        merged[key] = finding if known is None else _added(known, finding)
    return [named(finding) for finding in capped(merged.values())]


def _added(one: Finding, other: Finding) -> Finding:
    if one.extra.get("kind") == FURTHER:
        one = at_least(one, other)
    total = None if one.total is None or other.total is None else one.total + other.total
    return replace(one, count=one.count + other.count, total=total)


HEADERS = frozenset(
    {
        *("allow", "cache-control", "content-length", "content-type", "deprecation", "link", "retry-after", "server"),
        *("sunset", "via", "www-authenticate", "x-request-id"),
    }
)
"""Header fields of an answer that are shown; any other may hold a credential or a cookie."""

_TEXT = 200
_MEMBERS = 24


def evidence(response: Response, path: Sequence[str | int]) -> dict[str, Any]:
    """Return `request` and `response` as plain data, small enough for a report.

    Of the body only the way down `path` is there. Beside it, texts are replaced by their length and containers by
    their size; an answer that refuses (400 and above) keeps its texts, which are written for people.
    """
    return {
        "request": {"method": response.method or response.operation.method, "path": _path(response)},
        "response": {
            "status": response.status,
            "headers": [[name, shorten(value)] for name, value in response.headers if name.lower() in HEADERS],
            "size": len(response.body),
            "body": _body(response, path),
        },
    }


def _path(response: Response) -> str:
    if all(parameter.name in response.path_values for parameter in response.operation.path_parameters):
        return response.operation.url_path(response.path_values)
    return response.operation.path


def _body(response: Response, path: Sequence[str | int]) -> Any:
    if response.body and response.parsed.ok:
        return _around(response.data, path, keeps_texts=response.status >= 400)
    text = response.body[: 4 * _TEXT].decode("utf-8", "replace")
    # Cut between words: half a credential is still one.
    return f"{text[:_TEXT].rpartition(' ')[0]} …" if len(text) > _TEXT else text


def _around(value: Any, path: Sequence[str | int], keeps_texts: bool) -> Any:
    step, rest = (path[0], path[1:]) if path else (None, ())
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        shown, after = _around(value[step], rest, keeps_texts), len(value) - step - 1
        return [*([f"… {step} items"] if step else []), shown, *([f"… {after} items"] if after else [])]
    if isinstance(value, dict) and not isinstance(step, int):
        kept = _members(value, step, keeps_texts)
        if step in value:
            kept[str(shorten(step))] = _around(value[step], rest, keeps_texts) if rest else shorten(value[step])
        return kept
    return _redacted(value, True)


def _members(value: dict[str, Any], at: str | None, keeps_texts: bool) -> dict[str, Any]:
    """The members of an object, each summed up, few of many, `at` among them."""
    names = list(value)[:_MEMBERS]
    names += [at] if at in value and at not in names else []
    kept = {str(shorten(name)): _redacted(value[name], keeps_texts) for name in names}
    return kept if len(names) == len(value) else {**kept, "…": f"{len(value) - len(names)} more"}


def _redacted(value: Any, keeps_texts: bool) -> Any:
    units: Mapping[type, str] = {str: "characters", dict: "properties", list: "items"}
    word = units.get(type(value))
    return shorten(value) if keeps_texts or word is None else f"<{len(value)} {word}>"
