"""What is around the body: status, content type, header fields, a body at all; and whether an operation is retired."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.json_source import LargeNumber
from pytest_bctrl.contract.model import covers_media_type
from pytest_bctrl.contract.paging import link_target
from pytest_bctrl.contract.parameters import read_field
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.findings.finding import LEVELS, Level


def around(
    rule: str, message: str, place: str, expected: Any, observed: Any, kind: str = "", level: Level = "error"
) -> Violation:
    """Return a violation of what is around a body: `place` is `status`, `header Content-Type` or the like."""
    return Violation(rule, level, message, (), place, expected, observed, kind)


def check_status(response: Response, expected: Collection[int] = ()) -> Iterator[Violation]:
    """Yield a violation for a server error, and for a status that is not documented or not one of `expected`.

    It is a warning where the request is to get it, and the contract documents no answer of the kind.
    """
    looked(response).add("status")
    failed = response.status >= 500
    if failed or (expected and response.status not in expected) or response.documented is None:
        silent = response.status in expected and not any(map(response.operation.response_for, expected))
        rule = "not_a_server_error" if failed else "status_code_conformance"
        words = "the server failed" if failed else _status_message(response)
        to = response.header("Location") if 300 <= response.status < 400 else None
        observed = response.status if to is None else f"{response.status}, to {to}"
        # A failure where a refusal is due is another than one where the list is.
        kind = f"instead of {', '.join(map(str, sorted(expected)))}" if expected else ""
        wanted = sorted(expected or response.operation.responses)
        yield around(rule, words, "status", wanted, observed, kind, "warning" if silent else "error")


def _status_message(response: Response) -> str:
    if 300 <= response.status < 400:
        return "redirect not followed, to protect the key"
    if response.documented is None:
        return "the status is not documented"
    return "the status is documented, but not what this request is to get"


def check_framing(response: Response) -> Iterator[Violation]:
    """Yield a violation where the answer says in two ways where its body ends (RFC 9112, 6.2)."""
    looked(response).add("framing")
    length = response.header("Content-Length")
    if response.has_all_headers and length is not None and response.header("Transfer-Encoding") is not None:
        words = "the answer has both Content-Length and Transfer-Encoding"
        yield around("complete_answer", words, "header Content-Length", "one of the two", length, "two lengths")


def check_content_type(response: Response) -> Iterator[Violation]:
    """Yield a violation where the content type is missing or not documented for the status; parameters are free."""
    looked(response).add("content type")
    if response.documented is None or not response.documented.content or response.is_to_head:
        return
    documented = [media.lower() for media in response.documented.content]
    if not any(covers_media_type(media, response.media_type) for media in documented):
        place, observed = "header Content-Type", response.header("Content-Type")
        what, kind = ("not documented", "undocumented") if response.media_type else ("missing", "missing")
        yield around("content_type_conformance", f"the content type is {what}", place, documented, observed, kind)


def check_body(response: Response) -> Iterator[Violation]:
    """Yield a violation where the contract documents a JSON body and the answer has none, or another text."""
    looked(response).add("body")
    if response.schema is None:
        return
    for problem in response.parsed.problems:
        is_empty, wanted = not response.body.strip(), "a JSON text in UTF-8 (RFC 8259)"
        rule = "complete_body" if is_empty else "strict_json"
        observed = "nothing" if is_empty else _around(response.body, response.parsed.at)
        yield around(rule, problem, "body", wanted, observed, problem.partition(": ")[0])


_NUMBER = re.compile(rb"[\[:,\s]-?\d(?:\d{209}|[\d.]*[eE]\+?\d{3})")


def may_be_unusual(response: Response) -> bool:
    """Whether a body may hold half a letter or a number beyond double precision: in most, no text looks like either."""
    return once(response, "may be unusual", lambda: _may_be_unusual(response))


def _may_be_unusual(response: Response) -> bool:
    is_lone = not isinstance(response.data, dict | list)
    return is_lone or any(half in response.body for half in (b"\\ud", b"\\uD")) or bool(_NUMBER.search(response.body))


def check_interoperable(response: Response) -> Iterator[Violation]:
    """Yield a warning for what JSON allows and many parsers do not read (RFC 7493, 2.1 and 2.2)."""
    looked(response).add("interoperable")
    if response.parsed.ok and may_be_unusual(response):
        yield from _unusual_values(response.data)


def _unusual_values(data: Any) -> Iterator[Violation]:
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, name), member) for name, member in value.items()] + [(path, name) for name in value]
        elif isinstance(value, list):
            waiting += [((*path, index), member) for index, member in enumerate(value)]
        elif isinstance(value, str) and _HALF.search(value):
            shown = value[:_SHOWN].encode("utf-8", "backslashreplace").decode()
            yield _unusual(path, "the text has half a letter, a lone surrogate: no UTF-8 can hold it", shown)
        elif isinstance(value, LargeNumber) or (isinstance(value, int) and abs(value) > sys.float_info.max):
            yield _unusual(path, "the number is beyond double precision: many parsers read infinity", "a larger one")


_HALF = re.compile("[\ud800-\udfff]")


def _unusual(path: Path, message: str, observed: str) -> Violation:
    words = "what every parser reads alike (I-JSON)"
    return Violation("interoperable_json", "warning", message, path, expected=words, observed=observed)


_SHOWN = 60
"""Bytes of a body that is not JSON that are shown: where it stops being JSON, as far as the problem tells."""


def _around(body: bytes, at: int) -> str:
    start = max(0, at - _SHOWN // 2)
    text = body[start : start + _SHOWN].decode("utf-8", "backslashreplace")
    return f"{'…' if start else ''}{text}{'…' if start + _SHOWN < len(body) else ''}"


def check_headers(response: Response) -> Iterator[Violation]:
    """Yield a violation for a field that is required and missing, and for one whose value breaks its schema.

    An answer to HEAD may leave fields out (RFC 9110, 9.3.2); what it has is held to the schema all the same.
    """
    looked(response).add("header fields")
    for field in response.documented.headers if response.documented is not None else ():
        value, contract = response.header(field.name), response.contract
        if value is None and field.required and response.has_all_headers and not response.is_to_head:
            words, kind = "the required header field is missing", "missing"
        elif value is not None and not accepts(contract, field.schema, read_field(contract, field, value.strip())):
            words, kind = "the header field breaks its schema", "schema"
        else:
            continue
        place, wanted = f"header {field.name}", flatten(contract, field.schema)
        yield around("response_headers_conformance", words, place, wanted, value, kind)


RULE = "retired_operation"
_FIELDS = ("Deprecation", "Sunset")
_ROUTE = re.compile(
    r"\b(no( such| static)?|unknown|retired|removed) (route|endpoint)\b"
    r"|\b(route|endpoint)\b((?![.!?;]\s).)*?\b"
    r"(not found|not exist|gone|no longer|retired|removed|discontinued|disabled)\b"
)
"""What says of the route that there is none, within one sentence: a refusal may name another endpoint to use."""
_NEXT = "pytest-bctrl drift shows what is published now"


def check_retired(response: Response) -> Iterator[Violation]:
    """Yield a violation where an answer says that its operation is deprecated or ends; a warning while it works."""
    looked(response).add("retired")
    since, ends = (_date(response.header(name)) for name in _FIELDS)
    is_gone = is_retired(response)
    if not is_gone and since is None and ends is None:
        return
    words = ["the route is gone" if is_gone else "the operation is on its way out"]
    words += [f"deprecated since {since}" if since else "deprecated"] if since is not None else []
    words += [f"the last day is {ends}"] if ends else []
    successor = link_target(response.header("Link"), "successor-version")
    words += [f"its successor is {successor}"] if successor else []
    kind, level = ("gone", LEVELS[0]) if is_gone else ("deprecated", LEVELS[1])
    message = "; ".join([*words, _NEXT])
    yield around(RULE, message, "operation", "an operation in service", response.status, kind, level)


def is_retired(response: Response) -> bool:
    """Whether a refusal is about the route: 410, or a 404 that says so or has the header fields of a retirement."""
    if response.status == 410:
        return True
    named = any(response.header(name) is not None for name in _FIELDS)
    return response.status == 404 and (named or any(map(_ROUTE.search, _texts(response.data))))


_LONG = 1_000


def _texts(data: Any) -> Iterator[str]:
    """The texts of an error body in which a server says what is wrong."""
    for name in ("error", "code", "message", "detail", "title") if isinstance(data, dict) else ():
        value = data.get(name)
        yield from _texts(value)
        yield value[:_LONG].lower().replace("_", " ").replace("n't", " not") if isinstance(value, str) else ""


def _date(value: str | None) -> str | None:
    """The day that a field names, empty where it names none; None where the field is missing."""
    if value is None or value.strip() in ("?0", "false"):
        return None
    found = re.fullmatch(r"@(\d{1,15})", value.strip())
    try:
        when = datetime.fromtimestamp(int(found[1]), UTC) if found else parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, OSError):
        return ""
    return when.date().isoformat()
