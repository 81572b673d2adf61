"""`pytest-bctrl drift --observed FILE`: the same comparison, with what the API really sends as a third witness."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from pytest_bctrl.baseline.allowlist import FILE, accepted, list_notes, load_allow_list
from pytest_bctrl.cli.traffic import read_traffic
from pytest_bctrl.contract.build import contract_of
from pytest_bctrl.contract.document import Document
from pytest_bctrl.contract.files import packaged, update_command
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.finding import Finding
from pytest_bctrl.observed.witnesses import place


def placed(
    arguments: argparse.Namespace, old: Document, new: Document, changes: Sequence[Finding], today: date
) -> tuple[list[Finding], list[str]]:
    """Return what changed and what was seen, each with who moved, and remarks on the list of accepted findings.

    Raises `BctrlError` where the traffic cannot be read, or upstream cannot be held to it.
    """
    if arguments.accept is not None:
        raise SettingError(
            "it accepts changes of the documents alone",
            where="--accept, with --observed",
            mend='leave --observed out; what was seen is accepted by: pytest-bctrl check FILE --accept "why"',
        )
    if [arguments.upstream, arguments.base, *arguments.observed].count("-") > 1:
        raise SettingError("standard input can be only one of them", where="-", mend="give paths for the others")
    is_packaged = arguments.base is None
    vendored = load() if is_packaged else from_document(old.data, old.name)
    upstream = contract_of(new, packaged().overlay if is_packaged else None)
    observation, has_bodies = read_traffic(arguments.observed, vendored)
    next_ = commands(arguments.upstream, arguments.base, arguments.observed, has_bodies=has_bodies)
    found = [one.as_finding(next_[one.moved]) for one in place(vendored, upstream, observation, changes)]
    known = load_allow_list(Path(FILE), FILE)
    seen = [finding for finding in found if "revision" not in finding.extra]
    return [accepted(finding, known, today) for finding in found], list_notes(seen, known, today)


def commands(upstream: str | None, base: str | None, observed: Sequence[str], *, has_bodies: bool) -> Mapping[str, str]:
    """Return the command to type next for each name; each works as it is printed, in the same folder."""
    source = [] if upstream is None else [upstream]
    sides = source if base is None else [*source, "--base", base]
    again = shlex.join(["pytest-bctrl", "drift", *sides, *(part for path in observed for part in ("--observed", path))])
    suggest = shlex.join(["pytest-bctrl", "contract", "suggest", *observed, "--output", "suggested.overlay.yaml"])
    return {
        "the API broke its contract": shlex.join(["pytest-bctrl", "check", *observed]) if has_bodies else suggest,
        "the API is ahead of its documentation": suggest,
        "our copy is stale": update_command(upstream)
        if base is None
        else shlex.join(["pytest-bctrl", "drift", *sides]),
        "the documentation is ahead of the API": again,
        "not enough traffic to tell": again,
    }
