"""What the gate tells of pairs that differ in more than one thing, as lines of `data/told-further.tsv`.

`python -m tests.drift.told_further` writes the file anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
from pathlib import Path

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options
from pytest_bctrl.finding import Finding

from .document_pairs import TODAY
from .further_document_pairs import FURTHER_DOCUMENTS, WORDS
from .further_schema_pairs import FURTHER_SCHEMAS
from .pairs import Doc, in_scope

TOLD_FURTHER = Path(__file__).with_name("data") / "told-further.tsv"
_SCOPES = ("response-body", "request-parameter-property")
_PLAIN, _WORDS = Options(today=TODAY), Options(descriptions=True, today=TODAY)


def _pairs() -> dict[str, tuple[Doc, Doc, Options]]:
    found = {name: (*pair, _PLAIN) for name, pair in FURTHER_DOCUMENTS.items()}
    found |= {name: (*pair, _WORDS) for name, pair in WORDS.items()}
    for name, (old, new) in FURTHER_SCHEMAS.items():
        for scope in _SCOPES:
            found[f"{scope}: {name}"] = in_scope(scope, old), in_scope(scope, new), _PLAIN
    return found


FURTHER = _pairs()


def told_further(name: str) -> list[str]:
    """The lines of one pair: what is told of it, and what is told when it is taken back."""
    base, revision, options = FURTHER[name]
    there, back = compare(base, revision, options), compare(revision, base, options)
    return [
        f"{name}\t{way}\t{_line(finding)}" for way, found in (("there", there), ("back", back)) for finding in found
    ]


def _line(finding: Finding) -> str:
    """One finding, without what the table of rules says of it."""
    whole = dict(finding.extra)
    pointers = [whole.pop(side)["pointer"] for side in ("base", "revision")]
    context = {key: value for key, value in whole.items() if key not in ("meaning", "why")}
    told = [finding.level, finding.rule, finding.operation, finding.location, finding.message, finding.fingerprint]
    sides = (finding.expected, finding.observed, context, finding.count)
    return "\t".join([*told, *pointers, *(json.dumps(side, sort_keys=True, ensure_ascii=False) for side in sides)])


if __name__ == "__main__":
    TOLD_FURTHER.write_text("".join(f"{line}\n" for name in FURTHER for line in told_further(name)), "utf-8")
