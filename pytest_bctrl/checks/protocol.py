"""Checks of everything but the schema: status, content type, header fields, JSON syntax, and retired operations."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.json_source import HUGE_NUMBER
from pytest_bctrl.contract.model import covers_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.paging import link_target
from pytest_bctrl.contract.parameters import read_field
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.findings.finding import LEVELS, NOT_REJECTED, UNEXPECTED_STATUS, Level


def violation_outside_body(
    rule: str, message: str, place: str, expected: Any, observed: Any, kind: str = "", level: Level = "error"
) -> Violation:
    """Return a violation located outside the body: `place` is `status`, `header Content-Type` or the like."""
    return Violation(rule, level, message, (), place, expected, observed, kind)


def check_status(response: Response, expected: Collection[int] = ()) -> Iterator[Violation]:
    """Yield a violation for a server error, an undocumented status, or one not in `expected` unless that is empty.

    It is a warning if the status is expected, but the contract documents no response of the kind. A documented 501 says
    that an operation is not implemented, whatever is expected.
    """
    looked(response).add("status")
    if response.status == HTTPStatus.NOT_IMPLEMENTED and response.documented is not None:
        return
    is_server_error = response.status >= 500
    is_unexpected = bool(expected) and response.status not in expected
    if not is_server_error and not is_unexpected and response.documented is not None:
        return
    rule, message = "status_code_conformance", _status_message(response, expected)
    if is_server_error:
        rule, message = "not_a_server_error", "the server failed"
    observed: int | str = response.status
    target = response.header("Location")
    if target is not None and 300 <= response.status < 400:
        observed = f"{response.status}, to {target}"
    # A failure instead of a rejection differs from one instead of the list.
    kind = ""
    if expected:
        kind = f"instead of {', '.join(map(str, sorted(expected)))}"
    shown_statuses: list[Any] = sorted(response.operation.responses)
    if expected and (is_server_error or response.documented is not None):
        shown_statuses = sorted(expected)
    level: Level = "error"
    if response.status in expected and not any(map(response.operation.response_for, expected)):
        level = "warning"
    violation = violation_outside_body(rule, message, "status", shown_statuses, observed, kind, level)
    yield replace(violation, required_statuses=tuple(sorted(expected)))


def _status_message(response: Response, expected: Collection[int]) -> str:
    """Return the message about an unexpected status."""
    if 300 <= response.status < 400:
        return "redirect not followed, to protect the key"
    if response.documented is None:
        return "the status is not documented"
    if response.status < 300 and expected and min(expected) >= 400:
        return NOT_REJECTED
    return UNEXPECTED_STATUS


def check_framing(response: Response) -> Iterator[Violation]:
    """Yield a violation if the response declares the end of its body in two ways (RFC 9112, 6.2)."""
    looked(response).add("framing")
    length = response.header("Content-Length")
    if response.has_all_headers and length is not None and response.header("Transfer-Encoding") is not None:
        message = "the response has both Content-Length and Transfer-Encoding"
        yield violation_outside_body(
            "complete_answer", message, "header Content-Length", "one of the two", length, "two lengths"
        )


def check_content_type(response: Response) -> Iterator[Violation]:
    """Yield a violation if the content type is missing or not documented for the status; parameters are ignored."""
    looked(response).add("content type")
    violation = wrong_media_type(response)
    if violation is not None:
        yield violation


def wrong_media_type(response: Response) -> Violation | None:
    """Return the violation of a content type that is missing or not documented for the status; None if it is right."""
    documented = _other_media_types(response)
    if not documented:
        return None
    place, observed = "header Content-Type", response.header("Content-Type")
    message, kind = "the content type is missing", "missing"
    if response.media_type:
        message, kind = "the content type is not documented", "undocumented"
    return violation_outside_body("content_type_conformance", message, place, documented, observed, kind)


def _other_media_types(response: Response) -> list[str]:
    """Return the documented media types if that of the response is none of them, or is missing; else an empty list."""
    if response.documented is None or response.has_no_body:
        return []
    documented = [media.lower() for media in response.documented.content]
    if any(covers_media_type(media, response.media_type) for media in documented):
        return []
    return documented


def check_body(response: Response) -> Iterator[Violation]:
    """Yield a violation per problem of a documented JSON body: missing, or not strict JSON, such as a duplicate key.

    A body that says to be of another media type, and is not JSON, is reported by its media type alone.
    """
    looked(response).add("body")
    yield from _body_violations(response)


def unreadable_body(response: Response) -> Violation | None:
    """Return the violation of a response whose body should be JSON and cannot be read; None if it can be.

    Unlike the checks, it does not count as an examination of the response.
    """
    if response.schema is None or response.parsed.ok:
        return None
    return wrong_media_type(response) or next(_body_violations(response), None)


def _body_violations(response: Response) -> Iterator[Violation]:
    """Yield the violations of `check_body`."""
    problems = response.parsed.problems
    if response.schema is None or not problems:
        return
    is_of_other_type = bool(response.media_type) and not is_json(response.media_type) and _other_media_types(response)
    if is_of_other_type and response.body.strip() and not response.parsed.ok:
        return
    rule, observed = "strict_json", _excerpt(response.body, response.parsed.at)
    if not response.body.strip():
        rule, observed = "complete_body", "nothing"
    for problem, kind in zip(problems, response.parsed.kinds, strict=True):
        expected = "a JSON text in UTF-8 (RFC 8259)"
        yield violation_outside_body(rule, problem, "body", expected, observed, kind)


def may_be_unusual(response: Response) -> bool:
    """Return whether a body may contain a lone surrogate or a number beyond double precision.

    A quick search of the bytes, which spares most bodies the search of their values.
    """
    return once(response, "may be unusual", lambda: _compute_may_be_unusual(response))


def _compute_may_be_unusual(response: Response) -> bool:
    """Return whether a body may contain a lone surrogate or a number beyond double precision."""
    is_lone = not isinstance(response.data, dict | list)
    return (
        is_lone or any(half in response.body for half in (b"\\ud", b"\\uD")) or bool(HUGE_NUMBER.search(response.body))
    )


def check_interoperable(response: Response) -> Iterator[Violation]:
    """Yield a warning for each value in a body that many parsers do not read (RFC 7493, 2.1 and 2.2)."""
    looked(response).add("interoperable")
    if response.parsed.ok and may_be_unusual(response):
        yield from unusual_values(response.data)


def unusual_values(data: Any) -> Iterator[Violation]:
    """Yield a warning for each lone surrogate and each number beyond double precision in JSON data."""
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, name), member) for name, member in value.items()] + [(path, name) for name in value]
        elif isinstance(value, list):
            waiting += [((*path, index), member) for index, member in enumerate(value)]
        elif isinstance(value, str) and _HALF.search(value):
            shown = value[:_SHOWN].encode("utf-8", "backslashreplace").decode()
            yield _unusual_violation(path, "the text contains a lone surrogate, which UTF-8 cannot encode", shown)
        elif isinstance(value, int) and abs(value) > sys.float_info.max:
            yield _unusual_violation(
                path, "the number is beyond double precision: many parsers read infinity", "a larger one"
            )


_HALF = re.compile("[\ud800-\udfff]")


def _unusual_violation(path: Path, message: str, observed: str) -> Violation:
    """Return the warning about a value that parsers read in different ways."""
    expected = "what every parser reads alike (I-JSON)"
    return Violation("interoperable_json", "warning", message, path, expected=expected, observed=observed)


_SHOWN = 60
"""Number of bytes shown of a body that is not JSON, around the position of the error."""


def _excerpt(body: bytes, offset: int) -> str:
    """Return the text of the body around an offset, with `…` where it is cut."""
    start = max(0, offset - _SHOWN // 2)
    text = body[start : start + _SHOWN].decode("utf-8", "backslashreplace")
    if start:
        text = f"…{text}"
    if start + _SHOWN < len(body):
        text = f"{text}…"
    return text


def check_headers(response: Response) -> Iterator[Violation]:
    """Yield a violation for each required header field that is missing, and for each that breaks its schema.

    A response to HEAD may omit fields that the contract documents for GET (RFC 9110, 9.3.2), but not those that it
    documents for HEAD itself. Those that it has are validated.
    """
    looked(response).add("header fields")
    if response.documented is None:
        return
    may_lack_fields = response.is_to_head and response.operation.method != "HEAD"
    for field in response.documented.headers:
        value, contract = response.header(field.name), response.contract
        if value is None and field.required and response.has_all_headers and not may_lack_fields:
            message, kind = "the required header field is missing", "missing"
        elif value is not None and not accepts(contract, field.schema, read_field(contract, field, value.strip())):
            message, kind = "the header field breaks its schema", "schema"
        else:
            continue
        place, expected = f"header {field.name}", flatten(contract, field.schema)
        yield violation_outside_body("response_headers_conformance", message, place, expected, value, kind)


def coding_violation(problem: str) -> Violation:
    """Return the violation of a body that is not in the content coding of its response (RFC 9110, 8.4)."""
    message = "the body is not in the coding that Content-Encoding names"
    return violation_outside_body("complete_answer", message, "body", "a complete response", problem, "coding")


def unknown_headers(response: Response) -> list[str]:
    """Return the required header fields that are missing in a response whose headers are not all known."""
    if response.documented is None or response.has_all_headers or response.is_to_head:
        return []
    required = (field.name for field in response.documented.headers if field.required)
    return [name for name in required if response.header(name) is None]


RULE = "retired_operation"
_FIELDS = ("Deprecation", "Sunset")
_ROUTE = re.compile(
    r"\b(no( such| static)?|unknown|retired|removed) (route|endpoint)\b"
    r"|\b(route|endpoint)\b((?![.!?;]\s).)*?\b"
    r"(not found|not exist|gone|no longer|retired|removed|discontinued|disabled)\b"
)
"""Matches error texts saying that the route does not exist.

Only within one sentence, because a rejection may name another endpoint to use.
"""
_NEXT = "pytest-bctrl drift shows what is published now"


def check_retired(response: Response) -> Iterator[Violation]:
    """Yield a violation if the operation is retired, or a warning if the response announces its end."""
    looked(response).add("retired")
    since, ends = (_named_day(response.header(name)) for name in _FIELDS)
    is_gone = is_retired(response)
    if not is_gone and since is None and ends is None:
        return
    kind, level, notes = "deprecated", LEVELS[1], ["the operation will be retired"]
    if is_gone:
        kind, level, notes = "gone", LEVELS[0], ["the route no longer exists"]
    if since:
        notes.append(f"deprecated since {since}")
    elif since is not None:
        notes.append("deprecated")
    if ends:
        notes.append(f"the last day is {ends}")
    if successor := link_target(response.header("Link"), "successor-version"):
        notes.append(f"its successor is {successor}")
    message = "; ".join([*notes, _NEXT])
    yield violation_outside_body(RULE, message, "operation", "an operation in service", response.status, kind, level)


def is_retired(response: Response) -> bool:
    """Return whether the route no longer exists: 410, or a 404 that says so in its text or deprecation fields."""
    if response.status == 410:
        return True
    has_fields = any(response.header(name) is not None for name in _FIELDS)
    return response.status == 404 and (has_fields or any(map(_ROUTE.search, _error_texts(response.data))))


_LONG = 1_000


def _error_texts(data: Any) -> Iterator[str]:
    """Yield the texts of an error body that usually describe the error, in lower case."""
    if not isinstance(data, dict):
        return
    for name in ("error", "code", "message", "detail", "title"):
        value = data.get(name)
        yield from _error_texts(value)
        if isinstance(value, str):
            yield value[:_LONG].lower().replace("_", " ").replace("n't", " not")


def _named_day(value: str | None) -> str | None:
    """Return the day that a header field names; empty if it names none, None if the field is missing or false."""
    if value is None or value.strip() in ("?0", "false"):
        return None
    timestamp = re.fullmatch(r"@(\d{1,15})", value.strip())
    try:
        if timestamp:
            return datetime.fromtimestamp(int(timestamp[1]), UTC).date().isoformat()
        return parsedate_to_datetime(value).date().isoformat()
    except (ValueError, TypeError, OverflowError, OSError):
        return ""
