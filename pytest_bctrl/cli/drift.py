"""`pytest-bctrl drift`: the gate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bctrl.cli.options import (
    accept_findings,
    add_acceptance_arguments,
    add_repeatable,
    add_report_arguments,
    asked_for,
    write_reports,
)
from pytest_bctrl.cli.project import chosen_contract, project_setting
from pytest_bctrl.contract.files import short_path, shown_path, update_command
from pytest_bctrl.escaping import escape_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.contract.in_force import ContractInForce
    from pytest_bctrl.drift.gate_file import GateFile
    from pytest_bctrl.findings.finding import Finding

EXAMPLES = (
    "pytest-bctrl drift page.md",
    "pytest-bctrl drift page.md --fail-on warning --format sarif --output drift.sarif --format text",
    "pytest-bctrl drift page.md --accept 'announced for March' --until 2027-01-31",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments."""
    parser.add_argument(
        "upstream",
        nargs="?",
        metavar="UPSTREAM",
        help="the spec as it is now: a path, git:REVISION:PATH, an https URL, or - for standard input; an OpenAPI 3.0 "
        "or 3.1 document, or a Markdown page that holds one (default: bctrl_upstream, else that page)",
    )
    parser.add_argument(
        "--base", metavar="DOCUMENT", help="what to compare it with (default: the spec of the contract in force)"
    )
    add_report_arguments(parser)
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "info", "never"),
        default="error",
        help="from which level on a finding fails the run (default: error)",
    )
    parser.add_argument("--descriptions", action="store_true", help="report changed titles and descriptions as info")
    seen = "what the API was seen to send, to say who moved; repeatable: an observation or a JSON report that holds "
    seen += "one, a recording, a HAR file, a JSON body, or - for standard input"
    add_repeatable(parser, "--observed", "FILE", seen)
    parser.add_argument(
        "--impact",
        metavar="FILE",
        help="the JSON report of pytest --bctrl-impact, to say of each change whether it breaks your tests",
    )
    what = "findings that are ignored until a date, and levels of rules (default: bctrl-drift.yaml, if there)"
    add_acceptance_arguments(parser, what)


def run(arguments: argparse.Namespace) -> int:
    """Compare, report, judge. Raises `BctrlError` where it could not be checked."""
    import gc

    # Nearly all that is made lives until the end; looking for garbage in it takes a quarter of the time.
    was_on = gc.isenabled()
    gc.disable()
    try:
        return _run(arguments)
    finally:
        if was_on:
            gc.enable()


def _run(arguments: argparse.Namespace) -> int:
    from datetime import date

    from pytest_bctrl.baseline.allowlist import judge, last_day
    from pytest_bctrl.drift import require_adoptable
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.sources import read_source
    from pytest_bctrl.reports.wording import Title, that_fail

    today = date.today()
    until = last_day(arguments.accept, arguments.until, today)
    reports = asked_for(arguments)
    gate = read_gate(arguments.allow_list, is_written=arguments.accept is not None)
    known = chosen_contract(None) if arguments.base is None or arguments.upstream is None else None
    base, upstream = default_sources(arguments.base, arguments.upstream, known)
    old = _read_base(base, is_given=arguments.base is not None)
    new = read_source(upstream, known=old)
    options = Options(gate.levels, arguments.descriptions, gate.sunset_days, today)
    overlay = known.overlay if known and arguments.base is None else None
    compared = compare_contracts(old, new, overlay, options)
    require_adoptable(new, compared.findings)
    judged = judge(compared.findings, gate.allow_list, today)
    judged = judged._replace(notes=(*compared.notes, *judged.notes))
    if arguments.observed:
        from pytest_bctrl.cli.traffic import placed

        in_force = known if arguments.base is None else None
        told, notes = placed(arguments, old, new, judged.remaining, today, in_force)
        judged = judged._replace(remaining=told, notes=(*judged.notes, *notes))
    if arguments.impact:
        judged = judged._replace(remaining=_with_impact(judged.remaining, arguments.impact))
    judged = arguments.redact.data(judged)
    failing = that_fail(judged.remaining, arguments.fail_on)
    if arguments.accept is not None:
        # Under --fail-on never nothing fails, and all that is found is accepted.
        chosen = judged.remaining if arguments.fail_on == "never" else failing
        if chosen:
            return accept_findings(gate.path, chosen, arguments.accept, until)
        print(f"pytest-bctrl: nothing to accept: nothing is found at the level {arguments.fail_on}", file=sys.stderr)
        return 0
    chosen = (f"compared with {short_path(base)}: {known.reason}",) if known and arguments.base is None else ()
    remarks, number = (*chosen, *judged.notes), len(judged.allowed)
    title = Title("drift", old.name, new.name, arguments.fail_on, remarks, accepted=number)
    write_reports(reports, judged.remaining, title)
    # What a person reads on standard output ends with them.
    is_read = any(report.format == "text" and report.path in (None, "-") for report in reports)
    for note in () if is_read else judged.notes:
        print(escape_line(f"pytest-bctrl: {note}"), file=sys.stderr)
    if failing and arguments.observed:
        print(f"pytest-bctrl: {len(failing)} at or above {arguments.fail_on}", file=sys.stderr)
    elif failing:
        print(escape_line(_what_next(failing, arguments, known)), file=sys.stderr)
    return 1 if failing else 0


def _with_impact(findings: Sequence[Finding], path: str) -> list[Finding]:
    """Return the findings with what an impact run says of them; raises `DocumentError` for another file."""
    import json
    from dataclasses import replace

    from pytest_bctrl.drift.sources import read_text
    from pytest_bctrl.errors import DocumentError

    try:
        known = {one["fingerprint"]: one["impact"] for one in json.loads(read_text(path))["findings"]}
    except (ValueError, LookupError, TypeError):
        hint = "write one: pytest --bctrl-impact=SOURCE --bctrl-report=impact.json"
        raise DocumentError("it is not a report of an impact run", where=f"--impact {path}", hint=hint) from None
    return [
        replace(one, extra={**one.extra, "impact": known[one.fingerprint]}) if one.fingerprint in known else one
        for one in findings
    ]


def _read_base(base: str, *, is_given: bool) -> Document:
    """Read what is compared with; an error about a `--base` names the option."""
    from pytest_bctrl.drift.sources import read_source
    from pytest_bctrl.errors import DocumentError

    try:
        return read_source(base)
    except DocumentError as error:
        where = f"--base {error.where}" if is_given else error.where
        raise DocumentError(error.problem, where=where, hint=error.hint) from None


def default_sources(base: str | None, upstream: str | None, known: ContractInForce | None) -> tuple[str, str]:
    """Return base and upstream: where they are not given, the spec of the contract in force and where it is published.

    The latter is `bctrl_upstream` where the project sets it, else the page that the lock names.
    """
    from pytest_bctrl.contract.in_force import published_source
    from pytest_bctrl.errors import SettingError

    if base == "-" and upstream in ("-", None):
        raise SettingError(
            "standard input can be only one of the two", where="--base -", hint="give a path for the other"
        )
    if known is not None and upstream is None:
        upstream = upstream_setting() or published_source(known)
    return str(base) if known is None or base is not None else shown_path(known.spec), str(upstream)


def upstream_setting() -> str | None:
    """Return the value of `bctrl_upstream`, None where the project does not set it; raises `SettingError`."""
    import os

    def read(config: pytest.Config) -> str | None:
        from pytest_bctrl.settings.resolve import upstream

        return upstream(config, os.environ)

    return project_setting("bctrl_upstream", read)


def read_gate(path: str | None, is_written: bool = False) -> GateFile:
    """Read the allow-list: the one given, else the default one if there is one.

    `is_written`: entries are to be added, so that it need not be there yet.
    """
    from pytest_bctrl.drift.gate_file import FILE, GateFile, read_gate_file
    from pytest_bctrl.drift.sources import read_text

    name = path or FILE
    is_there = Path(name).exists() if path else Path(name).is_file()
    if not is_there and (path is None or is_written):
        return GateFile(name)
    if not is_there:
        from pytest_bctrl.errors import DocumentError

        raise DocumentError("there is no such file", where=f"--allow-list {name}", hint="--accept REASON writes one")
    return read_gate_file(read_text(name), name)


def _what_next(failing: Sequence[Finding], arguments: argparse.Namespace, known: ContractInForce | None) -> str:
    """Say what to type next: each command is of the same sides as this one was."""
    import shlex

    given = [arguments.upstream] if arguments.upstream else []
    for option, value in (("--base", arguments.base), ("--allow-list", arguments.allow_list)):
        given += [option, value] if value else []
    update = known.update_command(arguments.upstream) if known else update_command(arguments.upstream)
    return (
        f"pytest-bctrl: {len(failing)} at or above {arguments.fail_on}; update your copy of the spec: "
        f"{update}; or ignore it until a date: "
        f'{shlex.join(["pytest-bctrl", "drift", *given])} --accept "why" --until DATE'
    )
