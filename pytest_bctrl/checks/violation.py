"""The violations of a request or response, and the findings that those of a response are grouped into."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_bctrl.checks.redact import redact_response_findings
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.schema.locations import Path, exact_location, general_location, select_values
from pytest_bctrl.contract.short_values import shorten
from pytest_bctrl.findings.finding import LEVELS, UNSENDABLE_VALUE, Finding, Level
from pytest_bctrl.findings.fingerprint import BY_VALUE, value_text, with_fingerprint
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE, added_by_overlay, is_of_overlay_alone, level_of_overlay
from pytest_bctrl.observed.totals import APART, FURTHER, FURTHER_MESSAGE, at_least, numbered, with_limited_values

_LONG = 1_000
_REJECTED = frozenset({400, 404, 414, 422})
"""The statuses that rightly reject a path value which no client sends (RFC 9110, 15.5)."""


def source_of(rule: str, response: Response) -> str:
    """Return the origin of a rule: HTTP, the kit, the published spec, the overlay, or a contract without an overlay."""
    rule_data = rules().get(rule)
    if rule_data is not None and rule_data.of != "contract":
        return rule_data.of
    added = added_by_overlay(response.contract)
    if added is None:
        return "contract"
    invariants = (invariant["rule"] for invariant in response.operation.invariants)
    status = response.documented.status if response.documented is not None else ""
    is_added = (response.operation.label, status) in added or rule == "ignored_auth" or rule in invariants
    return "overlay" if is_added else "published spec"


def fix_of(rule: str) -> str:
    """Return what to do about a finding of a rule, which may be one of a project or an invariant."""
    rule_data = rules().get(rule)
    return rule_data.fix if rule_data is not None else "correct the response, or the rule"


def breaks_overlay_alone(response: Response, violation: Violation) -> bool:
    """Return whether an error breaks only what the overlay adds, which lowers it."""
    return is_of_overlay_alone(
        response.contract,
        response.operation,
        response.status,
        rule=violation.rule,
        level=violation.level,
        required_statuses=violation.required_statuses,
        location=violation.place,
        kind=violation.kind,
        body=response.body,
        media_type=response.media_type,
    )


def answered_by(response: Response) -> str:
    """Return which layer rejected a request, compared with the plain response; empty without one, or for a success."""
    usual = response.usual
    if usual is None or response.status < 300:
        return ""
    signs = []
    if usual.parsed.ok and not response.parsed.ok and response.body:
        signs.append("it is not JSON")
    elif usual.parsed.ok and not response.parsed.ok:
        signs.append("it has no body")
    for name in ("Server", "Via"):
        value, usual_value = response.header(name), usual.header(name)
        if value != usual_value:
            signs.append(f"its {name} is {value or 'missing'}, that of the plain response {usual_value or 'missing'}")
    if not signs:
        return "the application"
    return f"probably a proxy or framework in front of the application: {'; '.join(signs)}"


def is_malformed(values: Iterable[str]) -> bool:
    """Return whether any path value is one that no client sends: with a slash or control character, empty, too long."""
    return any(
        not value.strip(".")
        or len(value) > _LONG
        or any(letter in "/\\" or unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co") for letter in value)
        for value in values
    )


def softened(response: Response, findings: list[Finding]) -> list[Finding]:
    """Return findings about an unusual path value, lowered if the request is rightly rejected.

    If only the overlay documents rejections, they have the level of `level_of_overlay`. If the contract does not
    document the status with which a value that no client sends is rejected, they are warnings; if a layer in front of
    the application rejected it, one finding of level `info` remains. Findings about a server error, or about a success,
    keep their level.
    """
    if not 300 <= response.status < 500 or not findings:
        return findings
    is_unsendable = is_malformed(response.path_values.values())
    if is_unsendable and answered_by(response) not in ("", "the application"):
        return [replace(findings[0], level="info", message=UNSENDABLE_VALUE)]
    added, operation = added_by_overlay(response.contract) or frozenset(), response.operation
    if response.documented:
        documented = [response.documented.status]
    else:
        documented = [status for status in operation.responses if status[0] > "2"]
    if documented and all((operation.label, status) in added for status in documented):
        return [_lowered(finding, level_of_overlay(response.contract, response.status)) for finding in findings]
    if is_unsendable and response.documented is None and response.status in _REJECTED:
        return [_lowered(finding, "warning") for finding in findings]
    return findings


def _lowered(finding: Finding, level: Level) -> Finding:
    """Return a finding at a level, or at its own if that is lower."""
    if LEVELS.index(finding.level) < LEVELS.index(level):
        return replace(finding, level=level)
    return finding


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule at one exact location in the body of a response (`path`), outside the body, or in a request.

    `place` is the part that breaks the rule: `status`, `query limit`, or the `body` of a request; it is empty for the
    body of a response. `path` leads from the value of that part to the invalid value. `message` gives the reason and
    never the value, so that equal violations can be grouped. `kind` names the way in which a rule is broken if there
    are several; it stays the same when messages are reworded. `required_statuses` are those that the request must get,
    whether they are documented or not.
    """

    rule: str
    level: Level
    message: str
    path: Path = ()
    place: str = ""
    expected: Any = None
    observed: Any = None
    kind: str = ""
    required_statuses: tuple[int, ...] = ()

    @property
    def location(self) -> str:
        """The location for all items of lists: `runtimes[*].status`, or `body.items[*].qty` in a request."""
        return self._location_in_place(general_location(self.path))

    @property
    def sample(self) -> dict[str, Any]:
        """The exact location, and the value at it."""
        return {"location": self._location_in_place(exact_location(self.path)), "value": shorten(self.observed)}

    def _location_in_place(self, location: str) -> str:
        """Return a location in `place`: `body.items[0]`."""
        if not self.place:
            return location
        location = location.removeprefix("$")
        if not location or location.startswith("["):
            return self.place + location
        return f"{self.place}.{location}"


def grouped(
    violations: Iterable[Violation], key: Callable[[Violation], tuple[str, ...]], limit: int | None = None
) -> list[list[Violation]]:
    """Return violations in groups of equal keys; the last of at most `limit` groups has all further violations."""
    groups: dict[tuple[str, ...], list[Violation]] = {}
    for violation in violations:
        group = key(violation)
        if group not in groups and len(groups) == limit:
            group = next(reversed(groups))
        groups.setdefault(group, []).append(violation)
    return list(groups.values())


def new_finding(violation: Violation, location: str, extra: Mapping[str, Any], **fields: Any) -> Finding:
    """Return a violation as a finding with further `fields`; empty values of `extra` are left out."""
    finding = Finding(
        violation.rule,
        violation.level,
        location,
        violation.message,
        expected=shorten(violation.expected),
        observed=shorten(violation.observed),
        extra={name: value for name, value in extra.items() if value},
        **fields,
    )
    return with_fingerprint(finding)


def findings(response: Response, violations: Iterable[Violation], engine: str = "") -> list[Finding]:
    """Return violations of one response as findings, grouped by rule, location and message.

    Each undocumented value is a separate finding, up to `APART` of them per location; one finding represents the rest.
    `engine` names the validator if it is not the kit's own.
    """
    groups = grouped(_with_further_values(violations), _key)
    collected = [_finding_of_group(response, group) for group in groups]
    if engine:
        collected = [replace(finding, extra={**finding.extra, "engine": engine}) for finding in collected]
    return redact_response_findings(collected, response)


def _key(violation: Violation) -> tuple[str, ...]:
    """Return the location, rule and message of a violation, and its undocumented value."""
    key = (violation.place or violation.location, violation.rule, violation.message)
    if violation.kind in BY_VALUE:
        return (*key, violation.kind, value_text(shorten(violation.observed)))
    return key


def _with_further_values(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Yield violations, of kind `FURTHER` if their undocumented value is beyond the first `APART` of a location."""
    listed_values: dict[tuple[str, ...], set[str]] = {}
    for violation in violations:
        if violation.kind in BY_VALUE:
            *key, value = _key(violation)
            listed = listed_values.setdefault(tuple(key), set())
            if value not in listed and len(listed) >= APART:
                violation = replace(violation, message=FURTHER_MESSAGE, kind=FURTHER)
            else:
                listed.add(value)
        yield violation


def _finding_of_group(response: Response, group: list[Violation]) -> Finding:
    """Return violations of one rule at one location as one finding, with a sample and evidence."""
    first, source = group[0], source_of(group[0].rule, response)
    if breaks_overlay_alone(response, first):
        level = level_of_overlay(response.contract, response.status)
        first, source = replace(first, level=level, message=first.message + OVERLAY_ALONE), "overlay"
    count, total, sample = len({violation.path for violation in group}), 1, None
    if not first.place:
        total, sample = max(count, _candidate_count(response, first.path)), first.sample
    extra = {
        **evidence(response, first.path),
        **item_of(response.data, first.path),
        "status": str(response.status),
        "kind": first.kind,
        "source": source,
        "fix": fix_of(first.rule),
        "answered_by": answered_by(response),
    }
    finding = new_finding(
        first,
        first.place or first.location,
        extra,
        count=count,
        total=total,
        sample=sample,
        operation=response.operation.label,
        reproduce=response.reproduce,
    )
    if first.kind == FURTHER:
        return numbered(finding, len({value_text(shorten(violation.observed)) for violation in group}))
    return finding


def item_of(data: Any, path: Path) -> dict[str, Any]:
    """Return the location, `id` and `name` of the innermost list item on `path`, under the key `item`.

    Empty if `path` is not inside a list, or if the items have neither.
    """
    item: dict[str, Any] = {}
    for depth, step in enumerate(path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            break
        identity = {key: data[key] for key in ("id", "name") if isinstance(data, dict) and _is_name(data.get(key))}
        if isinstance(step, int) and identity:
            item = {"item": {"location": exact_location(path[: depth + 1]), **identity}}
    return item


def _is_name(value: Any) -> bool:
    """Return whether a value is short enough to name an item: a text or an integer."""
    is_text = isinstance(value, str) and 0 < len(value) <= _NAME
    return is_text or (isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64)


_NAME = 80


def _candidate_count(response: Response, path: Path) -> int:
    """Return how many locations in the body are like `path`: list items, or objects that could hold the property."""
    if not path or not isinstance(path[-1], str):
        return sum(1 for _ in select_values(response.data, general_location(path)))
    holders = select_values(response.data, general_location(path[:-1]))
    return sum(1 for _, value in holders if isinstance(value, dict))


def merge(collected: Iterable[Finding]) -> list[Finding]:
    """Merge the findings of many responses: those with equal message, level and fingerprint are one, counts added.

    The tests that found them are collected.
    Of the undocumented values at a location, at most `APART` remain separate findings.
    """
    merged: dict[tuple[str, ...], Finding] = {}
    for finding in map(with_fingerprint, collected):
        key = (finding.operation, finding.rule, finding.level, finding.location, finding.message, finding.fingerprint)
        earlier = merged.get(key)
        merged[key] = finding if earlier is None else _with_added_counts(earlier, finding)
    return [with_fingerprint(finding) for finding in with_limited_values(merged.values())]


def _with_added_counts(earlier: Finding, later: Finding) -> Finding:
    """Return two equal findings as one, with their counts added."""
    if earlier.extra.get("kind") == FURTHER:
        earlier = at_least(earlier, later)
    total = None
    if earlier.total is not None and later.total is not None:
        total = earlier.total + later.total
    extra = dict(earlier.extra)
    if "tests" in extra:
        extra["tests"] = list(dict.fromkeys([*extra["tests"], *later.extra["tests"]]))
    return replace(earlier, count=earlier.count + later.count, total=total, extra=extra)


HEADERS = frozenset(
    {
        *("allow", "cache-control", "content-length", "content-type", "deprecation", "link", "retry-after", "server"),
        *("sunset", "via", "www-authenticate", "x-request-id"),
    }
)
"""Header fields of a response that are shown; any other may hold a credential or a cookie."""

_TEXT = 200
_MEMBERS = 24


def evidence(response: Response, path: Sequence[str | int]) -> dict[str, Any]:
    """Return `request` and `response` as plain data, small enough for a report.

    The body is reduced to the values on `path`. Other strings are replaced by their length and containers by their
    size; error responses (400 and above) keep their strings, which are written for people.
    """
    credentials = credentials_for(response.contract, response.operation)
    headers = credentials.headers(field for field in response.headers if field[0].lower() in HEADERS)
    path_shown = credentials.url(_request_path(response), response.path_values)
    return {
        "request": {"method": response.method or response.operation.method, "path": path_shown},
        "response": {
            "status": response.status,
            "headers": [[name, shorten(value)] for name, value in headers],
            "size": len(response.body),
            "body": _shown_body(response, path),
        },
    }


def _request_path(response: Response) -> str:
    """Return the path of the request, or the template of the operation if a value in it is not known."""
    if all(parameter.name in response.path_values for parameter in response.operation.path_parameters):
        return response.operation.url_path(response.path_values)
    return response.operation.path


def _shown_body(response: Response, path: Sequence[str | int]) -> Any:
    """Return the part of the body that a report shows: data around a location, or the beginning of the text."""
    if response.body and response.parsed.ok:
        return _reduced_to_path(response.data, path, keeps_texts=response.status >= 400)
    body = credentials_for(response.contract, response.operation).body(
        response.body, response.header("Content-Type") or ""
    )
    excerpt = body[: 4 * (_TEXT + 1)].decode("utf-8", "replace")
    if len(excerpt) <= _TEXT:
        return excerpt
    # Cut between words, because half a credential is still a secret.
    return f"{excerpt[:_TEXT].rpartition(' ')[0]} …"


def _reduced_to_path(value: Any, path: Sequence[str | int], keeps_texts: bool) -> Any:
    """Return `value` with only the values on `path` in full; the others are summarised."""
    step = path[0] if path else None
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        items = [_reduced_to_path(value[step], path[1:], keeps_texts)]
        if step:
            items.insert(0, f"… {step} items")
        if step < len(value) - 1:
            items.append(f"… {len(value) - step - 1} items")
        return items
    if isinstance(value, dict) and not isinstance(step, int):
        members = _summarised_members(value, step, keeps_texts)
        if step in value and len(path) > 1:
            members[str(shorten(step))] = _reduced_to_path(value[step], path[1:], keeps_texts)
        elif step in value:
            members[str(shorten(step))] = shorten(value[step])
        return members
    return _summary_of_value(value, True)


def _summarised_members(value: dict[str, Any], step: str | None, keeps_texts: bool) -> dict[str, Any]:
    """Return a summary of an object's first members, always including `step`."""
    shown_names = list(value)[:_MEMBERS]
    if step in value and step not in shown_names:
        shown_names.append(step)
    members = {str(shorten(name)): _summary_of_value(value[name], keeps_texts) for name in shown_names}
    if len(shown_names) < len(value):
        members["…"] = f"{len(value) - len(shown_names)} more"
    return members


def _summary_of_value(value: Any, keeps_texts: bool) -> Any:
    """Return a value as reports show it: shortened with `keeps_texts`, else a text, object or list as its size."""
    units: Mapping[type, str] = {str: "characters", dict: "properties", list: "items"}
    unit = units.get(type(value))
    if keeps_texts or unit is None:
        return shorten(value)
    return f"<{len(value)} {unit}>"
