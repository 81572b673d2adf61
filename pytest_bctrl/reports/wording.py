"""How findings are put into words, the same in every format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding

# Control and bidirectional characters: upstream text may not steer a terminal, nor break XML.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def safe(text: str) -> str:
    """The text with what would steer a terminal or break XML written out as an escape."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(value: Any) -> str:
    """A value as one line of text."""
    text = value
    if not isinstance(text, str):
        import json

        text = json.dumps(value, ensure_ascii=False, default=str)
    return safe(" ".join(text.split()))


def counted(findings: Sequence[Finding]) -> str:
    """How many findings there are of each level: `2 errors, 1 warning`."""
    if not findings:
        return "no findings"
    from pytest_bctrl.finding import LEVELS

    numbers = [(sum(finding.level == level for finding in findings), level) for level in LEVELS]
    return ", ".join(
        f"{number} {level}{'s' if number > 1 and level != 'info' else ''}" for number, level in numbers if number
    )


def where(finding: Finding) -> str:
    """Operation, answer and place, as far as they are known."""
    extra = finding.extra
    answer = " ".join(str(extra[key]) for key in ("status", "media_type") if key in extra)
    if answer and finding.location.startswith(answer):
        answer = ""
    return one_line(" · ".join(filter(None, (finding.operation, answer, finding.location))) or "the document")


def spot(finding: Finding, side: str) -> tuple[str, int | None, str]:
    """The document, line and pointer of the finding on one side: `base` or `revision`."""
    found = finding.extra.get(side) or {}
    return str(found.get("document", "")), found.get("line"), str(found.get("pointer", ""))


def accepted(finding: Finding) -> str:
    """Why, and until when, the finding is borne: `accepted until 2027-01-31: the reason`; empty where it is not."""
    said = finding.extra.get("accepted")
    return one_line(f"accepted until {said['expires']}: {said['reason']}") if said else ""
