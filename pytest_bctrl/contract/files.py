"""The paths of the contract's files: next to the code in an installed package, in `contracts/` in a checkout."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_bctrl.contract.document import Document

_PACKAGE = Path(__file__).resolve().parent.parent


class ContractFiles(NamedTuple):
    """The paths of one contract with an overlay: a vendored one, or that of a project's own document.

    The spec has the name `stem` and `suffix`, and the other files begin with `stem`. An own document has no lock.
    """

    folder: Path
    stem: str = "runtimes"
    suffix: str = ".openapi.yaml"

    @property
    def is_vendored(self) -> bool:
        """Whether `pytest-bctrl contract update` vendors the spec, and writes a lock and a sample."""
        return self[1:] == ContractFiles(self.folder)[1:]

    @property
    def is_installed(self) -> bool:
        """Whether the files are those of an installed package, and not of a clone or a project."""
        return self.folder.resolve().parent == _PACKAGE

    @property
    def is_ours(self) -> bool:
        """Whether the folder has at least one file of a vendored contract; without any, it belongs to another tool."""
        return any(path.is_file() for path in (self.spec, self.lock, self.overlay, self.merged))

    @property
    def spec(self) -> Path:
        """The path of the spec, verbatim; that of a vendored one is YAML."""
        return self.folder / f"{self.stem}{self.suffix}"

    @property
    def lock(self) -> Path:
        """The path of the lock: the source of the spec, when it was fetched, and its SHA-256 (JSON)."""
        return self.folder / f"{self.stem}.lock.json"

    @property
    def overlay(self) -> Path:
        """The path of the overlay, which adds what the spec omits (OpenAPI Overlay 1.0, YAML)."""
        return self.folder / f"{self.stem}.overlay.yaml"

    @property
    def merged(self) -> Path:
        """The path of the contract: spec and overlay merged (JSON, so that a test run parses no YAML)."""
        return self.folder / f"{self.stem}.contract.json"

    @property
    def sample(self) -> Path:
        """The path of the sample response, which has every part of the contract and was not recorded (JSON)."""
        return self.folder / f"{self.stem}.sample.json"


def with_samples(document: Document, spec: Path) -> Document:
    """Return a vendored spec's document with the digests of code samples in its lock; unchanged without them."""
    import json

    files = ContractFiles(spec.parent)
    if spec.name != files.spec.name:
        return document
    try:
        samples = json.loads(files.lock.read_text("utf-8"))["samples"]
    except (OSError, ValueError, KeyError, TypeError):
        return document
    if not isinstance(samples, dict):
        return document
    return document._replace(samples=samples)


def built_from(contract: str) -> ContractFiles | None:
    """Return the vendored files beside a merged contract; None if it has another file name or no spec beside it."""
    files = ContractFiles(Path(contract).parent)
    if Path(contract).name != files.merged.name or not files.spec.is_file():
        return None
    return files


def files_with_overlay(contract: Path) -> ContractFiles | None:
    """Return the files of a project's own contract: `api.contract.json`, made of `api.yaml` and `api.overlay.yaml`."""
    stem = contract.name.removesuffix(".contract.json")
    for suffix in (".yaml", ".yml", ".json"):
        files = ContractFiles(contract.parent, stem, suffix)
        if files.merged == contract and files.overlay.is_file() and files.spec.is_file():
            return files
    return None


def update_command(source: str | None, *options: str) -> str:
    """Return the shell command that replaces the spec of a contract; without a source, by its upstream."""
    sources = [source] if source else []
    return shlex.join(["pytest-bctrl", "contract", "update", *sources, *options])


def shown_path(path: Path) -> str:
    """Return a path for messages and CI annotations: relative if it is below the working directory."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def short_path(name: str) -> str:
    """Return a name for messages: of an absolute path, what is below the working directory, else its last two parts."""
    if not Path(name).is_absolute() or "\n" in name:
        return name
    shown = shown_path(Path(name))
    if shown != name:
        return shown
    return f"…/{'/'.join(Path(name).parts[-2:])}"


def packaged() -> ContractFiles:
    """Return the contract files of this installation or checkout."""
    inside = _PACKAGE / "contracts"
    return ContractFiles(inside if inside.is_dir() else _PACKAGE.parent / "contracts")


def current_api() -> Path:
    """Return the path of the OpenAPI document of today's API in this installation or checkout."""
    return packaged().folder / "current" / "bctrl.openapi.json"
