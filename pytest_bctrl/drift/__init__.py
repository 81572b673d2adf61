"""Schema drift: what changed between two OpenAPI documents, and what of it breaks a consumer.

The parts, in the order in which a comparison runs: `contract.outline` reads both documents, `normalize` brings them to
one form, `match` finds what belongs together, the `compare` modules note changes with their direction, `report` makes
findings of them, under the levels of `rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from pytest_bctrl.baseline.allowlist import Judged
    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.findings.finding import Finding

    Source = Document | dict[str, Any] | str | PathLike[str]


__all__ = ["check_upstream", "compare", "judge_upstream", "require_adoptable"]


def compare(base: Source, revision: Source, options: Options | None = None) -> list[Finding]:
    """Return what changed from `base` to `revision`, worst first; empty where they mean the same.

    Either is an OpenAPI 3.0 or 3.1 document as data, loaded, or as the path of a YAML, JSON or Markdown file.
    In a finding `expected` is the old side and `observed` the new one. Raises `DocumentError` where a document cannot
    be read, never returning an empty list for what was not compared.
    """
    from pytest_bctrl.drift.compare_documents import compare_documents
    from pytest_bctrl.drift.options import Options

    return compare_documents(_document(base, "base"), _document(revision, "revision"), options or Options())


def _document(given: Any, name: str) -> Document:
    from pytest_bctrl.contract.document import Document, load_data

    if isinstance(given, Document):
        return given
    if isinstance(given, dict):
        return load_data(given, name)
    from pytest_bctrl.drift.sources import read_source

    return read_source(str(given))


def check_upstream(source: str, contract_base: Source) -> list[Finding]:
    """Return what changed from the contract's base to what `source` (path, URL or `-`) holds now.

    Raises `UnreachableError` where the source cannot be had and `DocumentError` where one of them cannot be read: then
    nothing was checked.
    """
    from pytest_bctrl.drift.sources import read_source

    return compare(contract_base, read_source(source))


def judge_upstream(
    source: str | Document, contract_base: Source, gate_file: Path, overlay: Path | None = None
) -> Judged:
    """Return what `check_upstream` finds, under the levels and parted by the allow-list of a gate file, if it is there.

    `overlay` is the one of the contract in force, which both sides are read with. Raises what `check_upstream` raises,
    and `DocumentError` for a gate file that cannot be read.
    """
    from datetime import date

    from pytest_bctrl.baseline.allowlist import judge
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.gate_file import GateFile, read_gate_file
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.sources import read_text

    name = str(gate_file)
    gate = read_gate_file(read_text(name), name) if gate_file.is_file() else GateFile(name)
    today = date.today()
    options = Options(gate.levels, sunset_days=gate.sunset_days, today=today)
    revision = _document(source, "revision")
    compared = compare_contracts(_document(contract_base, "base"), revision, overlay, options)
    require_adoptable(revision, compared.findings)
    judged = judge(compared.findings, gate.allow_list, today)
    return judged._replace(notes=(*compared.notes, *judged.notes))


def require_adoptable(revision: Document, findings: list[Finding]) -> None:
    """Raise `DocumentError` for a changed document that takes too long to validate with, so that nobody adopts it."""
    if findings:
        from pytest_bctrl.contract.soundness import require_affordable

        require_affordable(revision.data, revision.name)
