"""Whether an operation is deprecated (RFC 9745), ends on a day (RFC 8594), or is gone; and what replaces it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.violation import Violation

RULE = "retired_operation"
_SUCCESSOR = re.compile(r"<([^<>]*)>[^<]*?;\s*rel\s*=\s*\"?[^\",;]*\bsuccessor-version\b", re.IGNORECASE)
_ROUTE = re.compile(r"\b(route|endpoint)\b")
_NEXT = "pytest-bctrl drift shows what is published now"


def check_retired(answer: Answer) -> Iterator[Violation]:
    """Yield a violation where an answer says that its operation is deprecated or ends; a warning while it works."""
    since, ends = _date(answer.header("Deprecation")), _date(answer.header("Sunset"))
    is_gone = is_retired(answer)
    if not is_gone and since is None and ends is None:
        return
    words = ["the route is gone" if is_gone else "the operation is on its way out"]
    words += [f"deprecated since {since}" if since else "deprecated"] if since is not None else []
    words += [f"the last day is {ends}"] if ends else []
    successor = _SUCCESSOR.search(answer.header("Link") or "")
    words += [f"its successor is {successor[1]}"] if successor else []
    yield Violation(
        RULE,
        "error" if is_gone else "warning",
        "; ".join([*words, _NEXT]),
        place="operation",
        expected="an operation in service",
        observed=answer.status,
        kind="gone" if is_gone else "deprecated",
    )


def is_retired(answer: Answer) -> bool:
    """Whether a refusal is about the route: 410, or a 404 that says so or has the header fields of a retirement."""
    if answer.status == 410:
        return True
    named = any(answer.header(name) is not None for name in ("Deprecation", "Sunset"))
    return answer.status == 404 and (named or _ROUTE.search(" ".join(_texts(answer.data))) is not None)


def _texts(data: Any) -> Iterator[str]:
    """The texts of an error body in which a server says what is wrong."""
    for name in ("error", "code", "message", "detail", "title") if isinstance(data, dict) else ():
        value = data.get(name)
        yield from _texts(value)
        yield value.lower().replace("_", " ") if isinstance(value, str) else ""


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
