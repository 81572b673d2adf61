"""Expected findings: a short text for each, and properties of all of them.

`summaries` gives `rule @place: what changed`. All else that a finding says follows from its rule, its place and both
sides, and `require_consistent` holds it to that.
"""

from __future__ import annotations

import json
import re
from functools import cache
from hashlib import sha256
from typing import Any

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import example
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.rules import rules, why
from pytest_bctrl.findings.finding import Finding

from .pairs import Doc

_PREFIX = re.compile(
    r"^(response-(body|property|mediatype|header)|request-(body|property|parameter(-property)?)"
    r"|(request|response)(?=-keyword-changed))-(?=[a-z])"
)


@cache
def findings_of_example(rule: str) -> tuple[Finding, ...]:
    """Return the findings in the example of a rule, which is compared once for all tests that need them."""
    pair = example(rule)
    return tuple(compare(pair.base, pair.revision, pair.options))


def summaries(base: Doc, revision: Doc, options: Options | None = None, *, at: str | None = None) -> str:
    """Return all findings as one text, or `nothing`, with locations below `at`; they must fit the documents."""
    return summarised(compare(base, revision, options), base, revision, at)


def summarised(findings: list[Finding], base: Doc, revision: Doc, at: str | None = None) -> str:
    """Return findings as one text, or `nothing`, after `require_consistent`; those of one rule and location are joined.

    With `at`, the location of a schema, places are those in that schema, and rules have no words for where they are.
    """
    grouped: dict[str, list[str]] = {}
    for finding in findings:
        require_consistent(finding, base, revision)
        subject, change = _summary(finding, at)
        grouped.setdefault(subject, []).append(change)
    changes = {subject: ", ".join(filter(None, sorted(texts))) for subject, texts in sorted(grouped.items())}
    return "; ".join(f"{subject}: {texts}" if texts else subject for subject, texts in changes.items()) or "nothing"


def _summary(finding: Finding, at: str | None) -> tuple[str, str]:
    """Return rule with location, and the change with operation, status and count unless they are the usual ones."""
    rule, place = finding.rule, finding.location
    if at is not None:
        assert place.startswith(at)
        rule, place = _PREFIX.sub("", rule), place.removeprefix(at).removeprefix(".")
    words, sides = _words(finding), (finding.expected, finding.observed)
    if words and sides == (None, None):
        words = f"({words})"
    elif not _shows(words, *sides):
        words = f"({words}) {_json(finding.expected)} → {_json(finding.observed)}"
    subject = finding.location.partition(" ")[0]
    usual = "" if subject in ("servers", "securitySchemes", "schemas") else "GET /a"
    status, media = (_context(finding).get(name) for name in ("status", "media_type"))
    unusual = (
        "" if finding.operation == usual else f"of {finding.operation or 'all'}",
        "" if status in (None, "200", subject) else f"of {status}",
        "" if media in (None, "application/json") else f"in {media}",
        "" if finding.count == 1 else f"{finding.count} times",
    )
    return f"{rule} @{place}" if place else rule, " ".join(filter(None, (words, *unusual)))


def require_consistent(finding: Finding, base: Doc, revision: Doc) -> None:
    """Check that a finding fits its rule and its fingerprint, and that its locations exist in the documents.

    Locations in a response include status and media type; those in a request body the media type.
    """
    rule = rules()[finding.rule]
    shown_by = finding.extra.get("shown", {}).get("by")
    is_decided_by_engine = finding.rule.endswith("keyword-changed")
    level = "info" if shown_by == "proof" and rule.level == "error" else rule.level
    if is_decided_by_engine and shown_by == "rule":
        level = "warning"
    assert (level, rule.direction) == (finding.level, finding.direction)
    assert (rule.meaning, why(rule, level)) == (finding.extra["meaning"], finding.extra["why"])
    if rule.direction != "none":
        is_sent_to_consumer = ":" in finding.operation
        is_of_body = _OF_BODY.match(rule.id) or " encoding " in finding.location
        if is_decided_by_engine or finding.rule.endswith("became-read-only"):
            is_of_body = not finding.location.startswith(("query ", "header "))
        expected = (rule.direction == "response", bool(is_of_body))
        assert is_sent_to_consumer or expected == ("status" in finding.extra, "media_type" in finding.extra)
    assert not needs_counterexample(finding) or finding.extra["shown"]["by"] == "counterexample"
    own = [_fingerprint(finding, _words(finding)), _fingerprint(finding, "")]
    has_content = any(words in finding.rule for words in HAVE_CONTENT) or finding.expected is finding.observed is None
    if finding.count > 1:
        own.append(finding.extra["change"])
    assert has_content or finding.fingerprint in own
    old, new = (finding.extra[side] for side in ("base", "revision"))
    assert ("base", None, "revision", None) == (old["document"], old["line"], new["document"], new["line"])
    assert old["pointer"] or new["pointer"]
    assert _holds(base, old["pointer"])
    assert _holds(revision, new["pointer"])


HAVE_CONTENT = (
    "one-of",
    "any-of",
    "all-of",
    "additional-properties",
    "keyword-changed",
    "type-changed",
    "type-compatible",
    "new-re",
    "new-optional-request",
    "property-added",
    "header-added",
    "type-generalized",
)
"""Rules whose fingerprints depend on schemas that the finding does not show."""
_OF_BODY = re.compile(
    r"response-(body|mediatype|((required|optional)-)?(write-only-)?property)"
    r"|(new-(required|optional)-)?request-((required|optional)-)?property"
    r"|request-body-(?!added|removed|became-(required|optional)$|media-type-(added|removed|name))"
)
_NO_VALUE = (
    "default-value", "x-extensible-enum", "read-only", "write-only", "encoding-changed", "request-body-media-type",
    "allow-", "webhook-body", "webhook-security", "new-request-path-parameter", "style-changed",
    "explode-changed", "content-media-type", "content-encoding", "discriminator-",
    "response-header-type-changed", "not-changed",
)  # fmt: skip
"""What a rule speaks of that no value shows; and what `not` leaves, and a schema of another property asks."""


def needs_counterexample(finding: Finding) -> bool:
    """Return whether a finding is an error that should have a counterexample."""
    is_due = finding.level == "error" and finding.direction != "none"
    return is_due and not any(words in finding.rule for words in _NO_VALUE)


def _words(finding: Finding) -> str:
    """Return the part of the message after the rule's meaning and the location."""
    head = rules()[finding.rule].meaning.rstrip(".") + (f" at {finding.location}" if finding.location else "")
    assert finding.message.startswith(head)
    return finding.message.removeprefix(head).removeprefix(": ")


def _shows(words: str, old: Any, new: Any) -> bool:
    """Return whether a text is only `old → new`, or the only value: as text, JSON, Python or names of formats."""
    for spell in (lambda side: side if isinstance(side, str) else _json(side), _json, repr):
        both = [_cut(spell(side)) for side in (old, new) if side is not None]
        if words == " → ".join(both):
            return True
        if words == f"format {' → '.join('(none)' if side is None else str(side) for side in (old, new))}":
            return True
    return False


def _cut(text: str) -> str:
    """Return a text, cut to 80 characters."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def _context(finding: Finding) -> dict[str, Any]:
    """Return the members of `extra` that belong to the location, such as the status."""
    beside = ("meaning", "why", "base", "revision", "change", "changed", "detail", "places", "shown")
    return {key: value for key, value in finding.extra.items() if key not in beside}


def _fingerprint(finding: Finding, words: str) -> str:
    """Return the fingerprint of a change at a single location, computed independently; `words` name its part."""
    shape = re.sub(r"\{(?!\$)[^{}]*\}|\{\$request\.path\.[^{}]*\}", "{}", finding.operation)
    context = list(_context(finding).items())
    parts = [finding.rule, shape, finding.location, context, finding.expected, finding.observed, words]
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _holds(document: Any, pointer: str) -> bool:
    """Return whether a JSON pointer resolves, or lacks only a last key of an object; other missing parts raise."""
    *tokens, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")]
    for token in tokens[1:]:
        document = document[int(token)] if isinstance(document, list) else document[token]
    return not last.isdecimal() or not isinstance(document, list) or int(last) < len(document)


def _json(value: Any) -> str:
    """Return a value as JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
