"""What the gate tells of every rule's smallest change, in full, as lines of `data/told.tsv`.

`python -m tests.drift.told` writes the file anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
from pathlib import Path

from pytest_bctrl.drift import compare
from pytest_bctrl.finding import Finding

from .document_pairs import document_pairs
from .pairs import Pair, schema_pairs

TOLD = Path(__file__).with_name("data") / "told.tsv"
PAIRS = {**schema_pairs(), **document_pairs()}


def line(finding: Finding) -> str:
    """One finding: operation, location, message, both sides, direction, fingerprint, and all else that it has."""
    sides = (finding.expected, finding.observed, finding.extra)
    told = [finding.operation, finding.location, finding.message, finding.direction, finding.fingerprint]
    return "\t".join([*told, *(json.dumps(side, sort_keys=True, ensure_ascii=False) for side in sides)])


def found(pair: Pair) -> list[Finding]:
    """Return what the gate finds in a pair."""
    return compare(pair.base, pair.revision, pair.options)


if __name__ == "__main__":
    TOLD.write_text(
        "".join(f"{rule}\t{line(finding)}\n" for rule in sorted(PAIRS) for finding in found(PAIRS[rule])), "utf-8"
    )
