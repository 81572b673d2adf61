"""Public documents: the list, the folder with their files, and what the kit makes of each of them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from .inputs import Input, Options
from .kit import PYTEST, Fact, Kit, normalised

LIST = Path(__file__).with_name("documents.tsv")


class PublicDocument(NamedTuple):
    """A document: its use, repository, commit, path and SHA-256. `run` is checked; `pair` is only compared."""

    use: str
    repository: str
    commit: str
    path: str
    sha256: str

    @property
    def name(self) -> str:
        """Repository, path and the start of the commit."""
        return f"{self.repository}/{self.path}@{self.commit[:8]}"


def listed() -> list[PublicDocument]:
    """Return the documents of the list."""
    lines = LIST.read_text("utf-8").splitlines()
    return [PublicDocument(*line.split("\t")) for line in lines if not line.startswith("#")]


def file_of(document: PublicDocument, folder: Path) -> Path:
    """Return the file of a document; raises `ValueError` if it has another SHA-256."""
    path = folder / f"{document.sha256}{Path(document.path).suffix}"
    if hashlib.sha256(path.read_bytes()).hexdigest() != document.sha256:
        raise ValueError(f"{path} is not {document.name}")
    return path


def copy_from(mirrors: Path, folder: Path) -> None:
    """Write all listed documents to a folder, from bare clones in the folders `owner+name`, or in `repo` below them."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in listed():
        root = mirrors / document.repository.replace("/", "+")
        git = next(
            path for path in (root / "repo" / ".git", root / "repo", root / ".git", root) if (path / "HEAD").exists()
        )
        blob = f"{document.commit}:{document.path}"
        content = subprocess.run(["git", f"--git-dir={git}", "show", blob], capture_output=True, check=True).stdout
        if hashlib.sha256(content).hexdigest() != document.sha256:
            raise ValueError(f"{document.name} has another SHA-256")
        (folder / f"{document.sha256}{Path(document.path).suffix}").write_bytes(content)


def pairs(folder: Path | None) -> Iterator[tuple[str, Path, Path]]:
    """Yield name and files of each pair of consecutive revisions of a document, in the order of the list."""
    if folder is None:
        return
    for _, group in groupby(listed(), key=lambda document: (document.repository, document.path)):
        for base, revision in pairwise(group):
            yield f"{base.name}..{revision.commit[:8]}", file_of(base, folder), file_of(revision, folder)


def documents(options: Options) -> Iterator[Input]:
    """Yield a run of each document against its mock, what `doctor` says of it, and its samples and requests."""
    if options.documents is None:
        return
    for document in listed():
        if document.use == "run":
            path = file_of(document, options.documents)

            def collect(kit: Kit, folder: Path, path: Path = path) -> Iterator[Fact]:
                yield from _explained(kit, folder / "doctor", path)
                yield from _calls(kit, folder, path)
                yield from _checked(kit, folder / "run", path)

            yield Input(document.name, collect)


def _explained(kit: Kit, folder: Path, path: Path) -> Iterator[Fact]:
    """Yield for each operation whether it is checked, or why not, by the word that `doctor` uses."""
    result = kit.run(folder, "pytest_bctrl", "doctor", "--contract", str(path), "--format=json")
    yield from (("doctor " + rule, level, location) for rule, level, location in result.facts())
    for line in (result.data("stdout") or {"lines": []})["lines"]:
        words = line["text"].split()
        if line["topic"] in ("checked", "no value", "unsafe", "excluded", "optional") and len(words) > 1:
            yield "doctor", line["topic"], f"{words[0]} {words[1].rstrip(':')}"


def _calls(kit: Kit, folder: Path, path: Path) -> Iterator[Fact]:
    """Yield the facts about samples and about requests."""
    for name in ("samples", "requests"):
        result = kit.run(folder / name, name, document=str(path))
        yield from ((f"{name} {rule}", level, location) for rule, level, location in result.facts())
        for rule, level, location in result.data("rows.json") or ():
            yield f"{name} {rule}", level, location


def _checked(kit: Kit, folder: Path, path: Path) -> Iterator[Fact]:
    """Yield findings, operations and coverage points of a run against the mock of the document."""
    options = ("--bctrl-mock", "--bctrl-contract", str(path), "--bctrl-report=report.json")
    result = kit.run(folder, "pytest", *PYTEST, *options, seconds=1200)
    yield from dict.fromkeys(result.report())
    data = result.data("report.json") or {"operations": [], "coverage": {"points": []}}
    for operation in data["operations"]:
        yield "operation", operation["outcome"], operation["operation"]
    for point in data["coverage"]["points"]:
        words = (point[key] for key in ("operation", "status", "location", "kind", "label"))
        yield "coverage point", "seen" if point["seen"] else "not seen", normalised(" ".join(map(str, words)))
