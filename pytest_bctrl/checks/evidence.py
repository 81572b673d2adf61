"""What a finding shows of the exchange it comes from: the request, and the answer around the fault, redacted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.show import shortened

HEADERS = (
    "allow",
    "cache-control",
    "content-length",
    "content-type",
    "retry-after",
    "www-authenticate",
    "x-request-id",
)
"""Header fields of an answer that are shown; any other may hold a credential or a cookie."""

_TEXT = 200
_MEMBERS = 24


def evidence(answer: Answer, path: Sequence[str | int]) -> dict[str, Any]:
    """Return `request` and `response` as plain data, small enough for a report.

    Of the body only the way down `path` is there. Beside it, texts are replaced by their length and containers by
    their size; an answer that refuses (400 and above) keeps its texts, which are written for people.
    """
    return {
        "request": {"method": answer.method or answer.operation.method, "path": _path(answer)},
        "response": {
            "status": answer.status,
            "headers": [[name, shortened(value)] for name, value in answer.headers if name.lower() in HEADERS],
            "size": len(answer.body),
            "body": _body(answer, path),
        },
    }


def _path(answer: Answer) -> str:
    if all(parameter.name in answer.path_values for parameter in answer.operation.path_parameters):
        return answer.operation.url_path(answer.path_values)
    return answer.operation.path


def _body(answer: Answer, path: Sequence[str | int]) -> Any:
    if answer.body and answer.parsed.ok:
        return _around(answer.data, path, keeps_texts=answer.status >= 400)
    text = answer.body[: 4 * _TEXT].decode("utf-8", "replace")
    # Cut between words: half a credential is still one.
    words, _, _ = text[:_TEXT].rpartition(" ") if len(text) > _TEXT else (text, "", "")
    return f"{words} …" if len(text) > _TEXT else words


def _around(value: Any, path: Sequence[str | int], keeps_texts: bool) -> Any:
    if not path:
        return _members(value, None, keeps_texts) if isinstance(value, dict) else _redacted(value, True)
    step, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        shown = [_around(value[step], rest, keeps_texts)]
        before, after = step, len(value) - step - 1
        return [*([f"… {before} items"] if before else []), *shown, *([f"… {after} items"] if after else [])]
    if isinstance(value, dict) and isinstance(step, str):
        kept = _members(value, step, keeps_texts)
        if step in value:
            shown_value = _around(value[step], rest, keeps_texts) if rest else shortened(value[step])
            kept[str(shortened(step))] = shown_value
        return kept
    return _redacted(value, True)


def _members(value: dict[str, Any], at: str | None, keeps_texts: bool) -> dict[str, Any]:
    """The members of an object, each summed up, few of many, `at` among them."""
    names = list(value)[:_MEMBERS]
    names += [at] if at in value and at not in names else []
    kept = {str(shortened(name)): _redacted(value[name], keeps_texts) for name in names}
    return kept if len(names) == len(value) else {**kept, "…": f"{len(value) - len(names)} more"}


def _redacted(value: Any, keeps_texts: bool) -> Any:
    if isinstance(value, str) and not keeps_texts:
        return f"<{len(value)} characters>"
    if isinstance(value, dict):
        if keeps_texts:
            return shortened(value)
        return f"<{len(value)} properties>"
    if isinstance(value, list) and not keeps_texts:
        return f"<{len(value)} items>"
    return shortened(value)
