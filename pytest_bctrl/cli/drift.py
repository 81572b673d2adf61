"""`pytest-bctrl drift`: compares two versions of a document, and fails if a change breaks a consumer."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.baseline.baseline_file import DRIFT_SETTINGS_FILE
from pytest_bctrl.cli.options import (
    accept_findings,
    add_acceptance_arguments,
    add_repeatable,
    add_report_arguments,
    requested_reports,
    write_reports,
)
from pytest_bctrl.cli.project import baseline_path
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.in_force import project_contract, project_upstream
from pytest_bctrl.escaping import escape_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from pytest_bctrl.baseline.baseline_file import BaselineFile, PartitionedFindings
    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.contract.in_force import ContractInForce
    from pytest_bctrl.findings.finding import Finding, Level
    from pytest_bctrl.reports.verdict import Side

EXAMPLES = (
    "pytest-bctrl drift page.md",
    "pytest-bctrl drift page.md --fail-on warning --format sarif --output drift.sarif --format text",
    "pytest-bctrl drift page.md --accept 'announced for March' --until 2027-01-31",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "upstream",
        nargs="?",
        metavar="UPSTREAM",
        help="the new spec: a path, git:REVISION:PATH, an https URL, or - for standard input; an OpenAPI 3.0, "
        "3.1 or 3.2 document, or a Markdown page that contains one (default: with --base, the contract in force; else "
        "its upstream, which bctrl_upstream or the lock names)",
    )
    parser.add_argument(
        "--base",
        metavar="DOCUMENT",
        help="the document to compare it with; git:REVISION is the same file in a revision (default: the contract in "
        "force)",
    )
    add_report_arguments(parser)
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "info", "never"),
        default="error",
        help="lowest level that gives exit code 1 (default: error)",
    )
    parser.add_argument("--descriptions", action="store_true", help="report changed titles and descriptions as info")
    text = "traffic of the API, to find the cause of each change; repeatable: an observation or a JSON report "
    text += "that contains one, a recording, a HAR file, a JSON body, or - for standard input"
    add_repeatable(parser, "--observed", "FILE", text)
    parser.add_argument(
        "--impact",
        metavar="FILE",
        nargs="?",
        const="",
        help="the JSON report of pytest --bctrl-impact, to show for each change whether it breaks your tests "
        "(default: that of the last run in this folder)",
    )
    text = f"levels of rules (default: {DRIFT_SETTINGS_FILE}, if it exists)"
    parser.add_argument("--levels", metavar="PATH", help=text)
    add_acceptance_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare and report with garbage collection switched off; returns the exit code of the comparison."""
    import gc

    # Nearly every object lives until the end, and garbage collection would take a quarter of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return _compare_and_report(arguments)
    finally:
        # In the oldest generation, the objects are not collected as soon as collection is enabled.
        gc.freeze()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _compare_and_report(arguments: argparse.Namespace) -> int:
    """Compare the specs and write reports; returns 1 if findings fail, else 2 if parts were not compared, else 0.

    With `--accept`, findings are added to the baseline instead, and the exit code is 0.
    """
    from datetime import date

    from pytest_bctrl.baseline.baseline_file import apply_baseline, baseline_notes, expiry_date
    from pytest_bctrl.drift import notes_on_adoption
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.rules import rules
    from pytest_bctrl.drift.sources import read_source
    from pytest_bctrl.reports.required_version import required_version
    from pytest_bctrl.reports.verdict import Title, that_fail

    today = date.today()
    until = expiry_date(arguments.accept, arguments.until, today)
    reports = requested_reports(arguments)
    levels = _levels_in_force(arguments.levels)
    sides = documents_to_compare(arguments.base, arguments.upstream)
    baseline = read_baseline(arguments.baseline, sides.contract, is_written=arguments.accept is not None)
    old = _read_base(sides.base, is_given=arguments.base is not None)
    new = read_source(sides.upstream, previous=old)
    if sides.contract is not None:
        sides.contract.require_same_api(old.data, new.data)
    options = Options(levels, arguments.descriptions)
    comparison = compare_contracts(old, new, sides.contract.overlay if sides.contract else None, options)
    result = apply_baseline(comparison.findings, baseline, today)
    findings = result.remaining
    if arguments.observed:
        findings, entry_notes = _with_observed(arguments, (old, new), result, baseline, sides.old_contract, today)
    else:
        entry_notes = baseline_notes(comparison.findings, baseline.of_rules(rules()), today)
    updatable = _updatable_contract(sides, comparison.findings)
    adoption_notes: list[str] = []
    if updatable is not None:
        # The new spec may become the contract. For any other document, this would take half of the time of a run.
        adoption_notes = notes_on_adoption(new, comparison.findings)
    notes = [*comparison.notes, *adoption_notes, *entry_notes, *result.notes]
    if arguments.impact is not None:
        findings = _with_impact(findings, arguments.impact)
    not_compared, excluded = comparison.not_compared, comparison.excluded
    findings, notes, not_compared, excluded = arguments.redact.data((findings, notes, not_compared, excluded))
    failing = that_fail(findings, arguments.fail_on)
    if arguments.accept is not None:
        # With --fail-on never, no finding fails the run, and every finding is accepted.
        accepted = findings if arguments.fail_on == "never" else failing
        return _accept_changes(baseline.path, accepted, arguments, until)
    undecided = [*not_compared, *_labels_excluded_from_base(excluded)]
    version = required_version(arguments.redact.data(comparison.findings), undecided, (old.data, new.data))
    title = Title(
        "drift",
        old.name,
        new.name,
        arguments.fail_on,
        (*sides.remarks, *notes),
        not_compared,
        accepted=len(result.accepted),
        excluded=excluded,
        side=_annotated_side(new, sides.old_contract),
        version=None if sides.note else version,
    )
    write_reports(reports, findings, title)
    # The text report on standard output ends with the notes.
    if not any(report.format == "text" and report.path in (None, "-") for report in reports):
        for note in (*notes, *not_compared):
            print(escape_line(f"pytest-bctrl: {note}"), file=sys.stderr)
    if not failing and not_compared:
        return 2
    if not_compared:
        updatable = None
    return _exit_code(len(failing), arguments, updatable)


def _updatable_contract(sides: ComparedDocuments, findings: Sequence[Finding]) -> ContractInForce | None:
    """Return the contract in force if the old document is its spec, which an update would replace; else None.

    If the old document is given as a path, None is also returned if nothing changed.
    """
    if sides.contract is not None:
        return sides.old_contract
    if not findings or not Path(sides.base).is_file():
        return None
    in_force = project_contract()
    if in_force.spec.resolve() == Path(sides.base).resolve():
        return in_force
    return None


def _labels_excluded_from_base(excluded: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the labels of the operations that are not compared because they are invalid in the old document."""
    operations = [part["operation"] for part in excluded if part["side"] == "base"]
    return [operation for operation in operations if not operation.startswith("#/components/")]


def _annotated_side(revision: Document, compared: ContractInForce | None) -> Side:
    """Return the side that annotations refer to: `revision` if that is a file of the repository, else `base`.

    `compared` is the contract in force, if it is the old document; then the side is always `base`.
    """
    from pytest_bctrl.reports.wording import relative_file

    if compared is None and relative_file(revision.name):
        return "revision"
    return "base"


def _with_observed(
    arguments: argparse.Namespace,
    documents: tuple[Document, Document],
    result: PartitionedFindings,
    baseline: BaselineFile,
    in_force: ContractInForce | None,
    today: date,
) -> tuple[list[Finding], list[str]]:
    """Return the remaining changes and the findings in traffic, each with its cause, and notes on the baseline."""
    from pytest_bctrl.baseline.baseline_file import baseline_notes, mark_accepted
    from pytest_bctrl.cli.traffic import attributed_findings

    findings = attributed_findings(arguments, *documents, result.remaining, in_force)
    in_traffic = [finding for finding in findings if "revision" not in finding.extra]
    notes = baseline_notes([*result.remaining, *result.accepted, *in_traffic], baseline, today)
    return [mark_accepted(finding, baseline, today) for finding in findings], notes


def _exit_code(failing_count: int, arguments: argparse.Namespace, updatable: ContractInForce | None) -> int:
    """Return 1 if findings fail the run, and print their number and the next commands; return 0 otherwise.

    `updatable` is the contract that passes once it is updated to the new spec, if there is one.
    """
    from pytest_bctrl.reports.wording import numbered

    if not failing_count:
        return 0
    lines = [f"pytest-bctrl: {numbered(failing_count, 'finding')} at or above {arguments.fail_on}"]
    # With --observed, the report itself has the next commands.
    if not arguments.observed:
        lines += _next_commands(arguments, updatable)
    for line in lines:
        print(escape_line(line), file=sys.stderr)
    return 1


def _accept_changes(path: str, findings: Sequence[Finding], arguments: argparse.Namespace, until: date) -> int:
    """Add findings to the baseline, or print that there are none; returns 0."""
    if findings:
        return accept_findings(path, findings, arguments.redact(arguments.accept), until)
    print(f"pytest-bctrl: nothing to accept: no findings at or above {arguments.fail_on}", file=sys.stderr)
    return 0


def _with_impact(findings: Sequence[Finding], path: str) -> list[Finding]:
    """Return the findings with the results of an impact run; raises `DocumentError` for a file of another kind."""
    import json
    from dataclasses import replace

    from pytest_bctrl.drift.sources import read_text
    from pytest_bctrl.errors import DocumentError
    from pytest_bctrl.files.stored_impact import STORED_REPORT

    if not path:
        path = str(STORED_REPORT)
        if not STORED_REPORT.exists():
            hint = "run: pytest --bctrl-impact=SOURCE"
            raise DocumentError("the last impact run measured nothing, or there was none", where="--impact", hint=hint)
    try:
        report = json.loads(read_text(path))
        impacts = {finding["fingerprint"]: finding["impact"] for finding in report["findings"]}
    except (ValueError, LookupError, TypeError):
        hint = "write one: pytest --bctrl-impact=SOURCE --bctrl-report=impact.json"
        raise DocumentError("it is not a report of an impact run", where=f"--impact {path}", hint=hint) from None
    results = []
    for finding in findings:
        if finding.fingerprint in impacts:
            finding = replace(finding, extra={**finding.extra, "impact": impacts[finding.fingerprint]})
        results.append(finding)
    return results


def _read_base(base: str, *, is_given: bool) -> Document:
    """Return the base document; an error names the option if `--base` was given."""
    from pytest_bctrl.drift.sources import read_source
    from pytest_bctrl.errors import DocumentError

    try:
        return read_source(base)
    except DocumentError as error:
        if not is_given:
            raise
        raise DocumentError(error.problem, where=f"--base {error.where}", hint=error.hint) from None


class ComparedDocuments(NamedTuple):
    """The two documents to compare, and the contract in force if one of them is its spec.

    `is_contract_new` is whether the contract is the new document. `note` says that the old one does not exist.
    """

    base: str
    upstream: str
    contract: ContractInForce | None = None
    is_contract_new: bool = False
    note: str = ""

    @property
    def old_contract(self) -> ContractInForce | None:
        """The contract in force, if it is the old document."""
        return None if self.is_contract_new else self.contract

    @property
    def remarks(self) -> Iterator[str]:
        """What the report says about the choice of the documents."""
        if self.contract is not None:
            verb = "the new document is" if self.is_contract_new else "compared with"
            yield f"{verb} {self.contract.described}"
        if self.note:
            yield self.note


def documents_to_compare(base: str | None, upstream: str | None) -> ComparedDocuments:
    """Return the documents to compare: those given, else the contract in force and its upstream.

    The contract is the old document without `--base`, and the new one if only `--base` is given. A `--base` that is
    only a revision means the file of the new document in that revision. Raises `BctrlError` if a document is unknown,
    and `SettingError` if both are to be read from standard input.
    """
    from pytest_bctrl.errors import SettingError

    if base is None:
        contract = project_contract()
        contract.require_files()
        return ComparedDocuments(shown_path(contract.spec), upstream or project_upstream(contract), contract)
    if base == "-" and upstream == "-":
        raise SettingError(
            "standard input can be only one of the two", where="--base -", hint="give a path for the other"
        )
    if upstream is None:
        contract = _contract_to_compare(base)
        return _in_revision(ComparedDocuments(base, shown_path(contract.spec), contract, is_contract_new=True))
    return _in_revision(ComparedDocuments(base, upstream))


def _contract_to_compare(base: str) -> ContractInForce:
    """Return the contract in force as the new document; raises `SettingError` if it is packaged, or the base itself."""
    from pytest_bctrl.errors import SettingError

    contract = project_contract()
    contract.require_files()
    problem = ""
    if contract.is_packaged:
        problem = f"no new document is given; the contract in force is {contract.reason}"
    elif Path(base).is_file() and Path(base).samefile(contract.spec):
        problem = f"it is the new document too; the contract in force is {contract.described}"
    if problem:
        raise SettingError(
            problem,
            where=f"--base {base}",
            hint="name the new document, or leave out --base to compare the contract with its upstream",
        )
    return contract


def _in_revision(sides: ComparedDocuments) -> ComparedDocuments:
    """Return the sides with the file of the new document in a revision as the base, if that is a revision alone.

    If the revision does not have the file, the new document is compared with itself, and the note says so.
    """
    revision = sides.base.removeprefix("git:")
    if revision == sides.base or ":" in revision:
        return sides
    from pytest_bctrl.drift.sources import source_in_revision

    base = source_in_revision(revision, sides.upstream)
    if base:
        return sides._replace(base=base)
    note = f"nothing is compared, because {sides.upstream} is new: {revision} does not have it"
    return sides._replace(base=sides.upstream, note=note)


def _levels_in_force(path: str | None) -> Mapping[str, Level]:
    """Return the levels of rules in the file at `path`, or in the default one if it exists.

    Raises `DocumentError` if the file cannot be read or is invalid.
    """
    from pytest_bctrl.drift.settings import read_levels
    from pytest_bctrl.drift.sources import read_text

    name = path or DRIFT_SETTINGS_FILE
    if path is None and not Path(name).is_file():
        return {}
    return read_levels(read_text(name), name)


def read_baseline(path: str | None, in_force: ContractInForce | None, *, is_written: bool) -> BaselineFile:
    """Return the baseline at `path`, else that of the project; empty if there is no file.

    Raises `DocumentError` if it is invalid, and `SettingError` if a file that is named is missing and `is_written` is
    false.
    """
    from pytest_bctrl.baseline.baseline_file import load_baseline
    from pytest_bctrl.drift.settings import require_known_rules

    file = baseline_path(path, is_written=is_written)
    baseline = load_baseline(file, str(file))
    require_known_rules(baseline, partial(_rules_of_checks, in_force))
    return baseline


def _rules_of_checks(in_force: ContractInForce | None) -> list[str]:
    """Return the names of the rules of checks, the invariants of the contract included."""
    from pytest_bctrl.checks.rules import rules_of

    contract = (in_force or project_contract()).load()
    return rules_of([rule for operation in contract.operations for rule in operation.invariants], ())


def _next_commands(arguments: argparse.Namespace, updatable: ContractInForce | None) -> Iterator[str]:
    """Yield a line per next step, each with its command: update the spec if `updatable`, or accept the findings."""
    import shlex

    options = [arguments.upstream] if arguments.upstream else []
    files = ("--base", arguments.base), ("--levels", arguments.levels), ("--baseline", arguments.baseline)
    for option, value in files:
        if value:
            options += [option, value]
    if updatable is not None:
        yield f"  to update your copy of the spec: {updatable.update_command(arguments.upstream)}"
    command = shlex.join(["pytest-bctrl", "drift", *options])
    yield f'  to accept the findings until a date: {command} --accept "why" --until DATE'
