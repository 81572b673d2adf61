"""Where the contract's files are: beside the code in an installed package, in `contracts/` in a checkout."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_bctrl.contract.document import Document

_PACKAGE = Path(__file__).resolve().parent.parent


class ContractFiles(NamedTuple):
    """The paths of one vendored contract."""

    folder: Path

    @property
    def is_installed(self) -> bool:
        """Whether the files came with an installed package, rather than from a clone or a folder of one's own."""
        return self.folder.resolve().parent == _PACKAGE

    @property
    def is_ours(self) -> bool:
        """Whether the folder holds any file of a vendored contract, rather than somebody else's contracts."""
        return any(path.is_file() for path in (self.spec, self.lock, self.overlay, self.merged))

    @property
    def spec(self) -> Path:
        """The vendored spec, verbatim (YAML)."""
        return self.folder / "runtimes.openapi.yaml"

    @property
    def lock(self) -> Path:
        """Where the spec came from, when, and its SHA-256 (JSON)."""
        return self.folder / "runtimes.lock.json"

    @property
    def overlay(self) -> Path:
        """What the spec leaves out (OpenAPI Overlay 1.0, YAML)."""
        return self.folder / "runtimes.overlay.yaml"

    @property
    def merged(self) -> Path:
        """The contract: spec and overlay merged (JSON, so that a test run parses no YAML)."""
        return self.folder / "runtimes.contract.json"

    @property
    def sample(self) -> Path:
        """A sample response that visits every part of the contract; not a recording of the live API (JSON)."""
        return self.folder / "runtimes.sample.json"


def with_samples(document: Document, spec: Path) -> Document:
    """Return the document of a vendored spec with the samples of its page, as the lock beside it has them."""
    import json

    files = ContractFiles(spec.parent)
    if spec.name != files.spec.name:
        return document
    try:
        samples = json.loads(files.lock.read_text("utf-8"))["samples"]
    except (OSError, ValueError, KeyError, TypeError):
        return document
    return document._replace(samples=samples) if isinstance(samples, dict) else document


def built_from(contract: str) -> ContractFiles | None:
    """Return the files that a contract was built from, where its spec is beside it."""
    files = ContractFiles(Path(contract).parent)
    return files if Path(contract).name == files.merged.name and files.spec.is_file() else None


def update_command(source: str | None, folder: Path | str = "contracts") -> str:
    """Return the command that takes a published spec over; it works from a clone and with an installed package."""
    given = [source] if source else []
    return shlex.join(["pytest-bctrl", "contract", "update", *given, "--contracts", str(folder)])


def shown_path(path: Path) -> str:
    """The path as a reader and a CI annotation know it: relative, where it is below the working directory."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def short_path(name: str) -> str:
    """A document for a reader: below the working directory by its path from there, else by its last folder."""
    if not Path(name).is_absolute() or "\n" in name:
        return name
    shown = shown_path(Path(name))
    return f"…/{'/'.join(Path(name).parts[-2:])}" if shown == name else shown


def packaged() -> ContractFiles:
    """Return the files that came with this installation or checkout."""
    inside = _PACKAGE / "contracts"
    return ContractFiles(inside if inside.is_dir() else _PACKAGE.parent / "contracts")
