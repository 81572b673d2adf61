"""Checks of recordings, HAR files and bodies, and runs that record and replay."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.exchanges.catalogue import CASES, ORDERS_CONTRACT, SAMPLE
from tests.recordings.conftest import PROJECT
from tests.reports.agreement import CHECK_FORMATS
from tests.variants import CATALOGUE, Variant, serve
from tests.watch.suite_parts import SERVER

from .inputs import Input, Options
from .kit import PYTEST, Fact, Kit
from .servers import exchange, har_entry, write_har

_FILES = Path(__file__).parents[1] / "recordings" / "har_files"


def recordings(_options: Options) -> Iterator[Input]:
    """Yield the checks of files, of exchanges and bodies of each variant, and recordings of some variants."""
    for path in sorted((*_FILES.glob("*.har"), *_FILES.glob("*.zip"), *_FILES.glob("*/*.har"))):
        yield Input(f"file {path.relative_to(_FILES)}", partial(_checked, path=str(path)))
    yield Input("exchanges of orders", _orders)
    for variant in CATALOGUE:
        yield Input(f"exchange of {variant.name}", partial(_exchange, variant=variant))
        if variant.kind in ("schema", "undocumented", "invariants"):
            yield Input(f"body of {variant.name}", partial(_body, variant=variant))
    for variant in CATALOGUE[::25]:
        yield Input(f"recorded {variant.name}", partial(_recorded, variant=variant))


def _checked(kit: Kit, folder: Path, path: str, *options: str) -> Iterator[Fact]:
    """Yield the facts of a check of a file, which is repeated for each format."""
    for name, file in CHECK_FORMATS.items():
        result = kit.run(folder, "pytest_bctrl", "check", path, f"--format={name}", *options)
        (folder / "stdout").rename(folder / file)
    yield from result.report()


def _exchange(kit: Kit, folder: Path, variant: Variant) -> Iterator[Fact]:
    """Yield the facts of the check of an exchange with a variant; none if it does not respond."""
    entry = exchange(variant)
    if entry is not None:
        write_har(folder / "one.har", [entry])
        yield from _checked(kit, folder, "one.har")


def _orders(kit: Kit, folder: Path) -> Iterator[Fact]:
    """Yield the facts of each exchange that keeps or breaks the contract of orders in one way."""
    for name in SAMPLE:
        case = CASES[name].as_data()
        part = folder / name.replace(" ", "-")
        part.mkdir()
        url, fields = f"{SERVER}{case['target']}", [("Content-Type", case["media_type"])]
        entry = har_entry(
            case["method"], url, case["headers"], case["content"], case["status"], fields, case["text"].encode()
        )
        write_har(part / "one.har", [entry])
        (part / "orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")
        for rule, level, location in _checked(kit, part, "one.har", "--contract=orders.json"):
            yield rule, level, f"{name}: {location}"


def _body(kit: Kit, folder: Path, variant: Variant) -> Iterator[Fact]:
    """Yield the facts of the check of a variant's body."""
    (folder / "body.json").write_text(json.dumps(variant.service.document()), "utf-8")
    yield from _checked(kit, folder, "body.json")


def _recorded(kit: Kit, folder: Path, variant: Variant) -> Iterator[Fact]:
    """Yield the facts of a run that records a variant, of one that replays it, and of the check of the files."""
    (folder / "test_mine.py").write_text(PROJECT, "utf-8")
    with serve(variant) as server:
        settings = {"BCTRL_BASE_URL": server.url, "BCTRL_API_KEY": server.api_key, "BCTRL_SPACE_ID": server.space_id}
        options = ("--bctrl-live", "--bctrl-record-mode=rewrite", "test_mine.py")
        recording = kit.run(folder, "pytest", *PYTEST, *options, environment=settings)
    yield from ((f"record {rule}", level, location) for rule, level, location in recording.facts())
    yield "record files", str(len([*folder.rglob("*.har")])), ""
    replaying = kit.run(folder, "pytest", *PYTEST, "test_mine.py")
    yield from ((f"replay {rule}", level, location) for rule, level, location in replaying.facts())
    if (folder / "recordings").exists():
        shutil.copytree(folder / "recordings", folder / "checked" / "recordings")
        yield from _checked(kit, folder / "checked", "recordings")
