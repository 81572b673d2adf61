"""`pytest-bctrl contract suggest` and `contract build --overlay`: what was seen as an overlay, and what it makes."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml

from pytest_bctrl.cli.traffic import read_traffic
from pytest_bctrl.contract import build
from pytest_bctrl.contract.files import ContractFiles
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.observed.suggest import Suggestion, suggest
from pytest_bctrl.reports.wording import printable

COULD_NOT_SAY = 2
CONTRACT = "observed.contract.json"


def run(options: argparse.Namespace) -> int:
    """Print or write the overlay; 0 where it says everything that was seen, 2 where something cannot be said.

    Raises `BctrlError` where the traffic or the contract cannot be read.
    """
    contract = load(options.contract)
    observation, _ = read_traffic(options.files or ["-"], contract)
    made = suggest(contract, observation)
    for (_, code, media), count in sorted(observation.unread.items()):
        of = f"{code} {media or 'without a media type'}: nothing is learned from the bodies of {count} answers"
        print(f"pytest-bctrl: {printable(of)}: only JSON is read", file=sys.stderr)
    for finding, why in made.unsaid:
        place = f"{finding.extra['status']} {finding.location}"
        print(f"pytest-bctrl: {printable(f'{place}: {finding.message}: no overlay says it: {why}')}", file=sys.stderr)
    if made.actions:
        _hand_over(options, made)
    elif not made.unsaid:
        what = "read" if observation.unread else "seen"
        print(f"pytest-bctrl: nothing to suggest: the contract says all that was {what}", file=sys.stderr)
    return COULD_NOT_SAY if made.unsaid else 0


def _hand_over(options: argparse.Namespace, made: Suggestion) -> None:
    text = _text(made, _build_command(options))
    if options.output in (None, "-"):
        sys.stdout.write(text)
        return
    build.write_atomically(Path(options.output), options.hide(text))
    print(f"{options.output}: {len(made.actions)} actions for {len(made.admitted)} differences")
    print(f"next: {_build_command(options)}")


def _build_command(options: argparse.Namespace) -> str:
    output = "suggested.overlay.yaml" if options.output in (None, "-") else options.output
    own = [] if options.contract is None else ["--contract", options.contract]
    return shlex.join(["pytest-bctrl", "contract", "build", *own, "--overlay", output, "--output", CONTRACT])


class _Dumper(yaml.SafeDumper):
    """Writes sequences indented below their key, and no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(made: Suggestion, command: str) -> str:
    head = (
        "# What the API was seen to send and the contract does not say; no data but listed values. Apply it by\n"
        f"#   {printable(command)}\n"
        f"#   pytest --bctrl-contract={CONTRACT} …\n"
    )
    return head + yaml.dump(made.overlay, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def build_with(options: argparse.Namespace, files: ContractFiles) -> int:
    """Write the contract that further overlays make, sound and whole, to a file of its own."""
    if not options.overlay or options.output is None:
        raise SettingError(
            "they go together, since the packaged contract is that of its own overlay alone",
            where="--overlay, --contract, --output",
            mend=f"--overlay suggested.overlay.yaml --output {CONTRACT}",
        )
    base = load(options.contract).document if options.contract else build.merged(files)
    document = build.overlaid(base, options.overlay)
    from_document(document, options.output)
    path = Path(options.output)
    if path.resolve() == files.merged.resolve():
        raise DocumentError("it is the packaged contract", where=options.output, mend="give another --output")
    build.write_atomically(path, build.render(document))
    print(f"{options.output}: written")
    print(f"next: pytest --bctrl-live --bctrl-contract={shlex.quote(options.output)}")
    return 0
