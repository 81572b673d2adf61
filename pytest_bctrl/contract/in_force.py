"""The contract in force: the document that pytest and every command check against, and where it comes from.

One rule for all of them: `--bctrl-contract` or `bctrl_contract`, else the folder `contracts/` of the project, which
`pytest-bctrl contract update` writes, else the contract that came with the package.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_bctrl.contract.files import ContractFiles, built_from, packaged, short_path, shown_path, update_command
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.settings import current_run

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.settings.resolve import Source

PUBLISHED = "published"
"""As a value of `--bctrl-contract`: the vendored spec without the overlay."""

FOLDER = "contracts"

_LIMITS = "credentials and refusals are not checked"


class ContractInForce(NamedTuple):
    """One choice of a contract: its document, what chose it, and the vendored files that it belongs to, if any.

    `origin` is `project`, `packaged` or the name of a setting. `is_published` stands for the vendored spec as it is
    published, without the overlay. `ignored` is a folder of that name which holds no contract of this kit.
    """

    path: Path
    origin: str
    files: ContractFiles | None = None
    is_published: bool = False
    ignored: Path | None = None

    def __str__(self) -> str:
        return f"{short_path(str(self.path))} ({self.provenance})"

    @property
    def spec(self) -> Path:
        """The published spec that the contract was built from; the document itself where there is none."""
        return self.files.spec if self.files else self.path

    @property
    def overlay(self) -> Path | None:
        """The overlay that is a part of the contract; None where it has none."""
        return self.files.overlay if self.files and not self.is_published else None

    @property
    def provenance(self) -> str:
        """What chose the contract, and from where and when its spec was vendored."""
        parts = [self.origin]
        if self.is_published:
            parts.append("published spec without the overlay")
        if self.files:
            parts += _vendored(self.files.lock)
        return ", ".join(parts) + (f"; {_LIMITS}" if self.is_published else "")

    @property
    def reason(self) -> str:
        """Why it is this contract, and from where and when its spec was vendored."""
        if self.origin == "project":
            reason = f"the project has a folder {FOLDER}"
        elif self.origin == "packaged":
            reason = f"the packaged one, as there is no folder {FOLDER} and no bctrl_contract"
        else:
            reason = f"{self.origin} sets {short_path(str(self.path)) if self.files else 'it'}"
        return ", ".join([reason, *(_vendored(self.files.lock) if self.files else ())])

    def update_command(self, source: str | None) -> str:
        """Return the command that vendors a new spec in place of this one; it begins a folder where none is the own."""
        is_own = self.files is not None and self.files != packaged()
        return update_command(source, shown_path(self.files.folder) if self.files and is_own else FOLDER)

    def load(self) -> Contract:
        """Load the contract.

        Raises `DocumentError` where a file of it is missing or broken, or the document is not OpenAPI 3.0 or 3.1.
        """
        from pytest_bctrl.contract.build import require_locked
        from pytest_bctrl.contract.read import load_from

        is_packaged = self.files is not None and self.files.folder.resolve() == packaged().folder.resolve()
        if self.files and not is_packaged:
            require_locked(self.files)
        is_proven = is_packaged and not self.is_published
        option = "--bctrl-contract" if self.origin in ("project", "packaged") else self.origin
        return load_from(None if is_proven else self.path, option, self.provenance)


def contract_in_force(given: str | None, root: Path, where: str = "--bctrl-contract") -> ContractInForce:
    """Return the contract in force in a project.

    `given` is the value of the setting that `where` names, None where it is not set; `root` is the folder of the
    project. Raises `DocumentError` where the project's `contracts/` lacks a file.
    """
    if given is not None and given != PUBLISHED:
        path = Path(given)
        beside = ContractFiles(path.parent)
        is_published = path.name == beside.spec.name and beside.lock.is_file()
        files = beside if is_published else built_from(given)
        return ContractInForce(path, where, files, is_published)
    own, folder, is_published = project_files(root), root / FOLDER, given == PUBLISHED
    if own is not None:
        require_files(own)
    files, origin = (packaged(), "packaged") if own is None else (own, "project")
    ignored = folder if folder.is_dir() and not ContractFiles(folder).is_ours else None
    return ContractInForce(files.spec if is_published else files.merged, origin, files, is_published, ignored)


def project_files(root: Path) -> ContractFiles | None:
    """Return the files of the contract that a project has in its `contracts/`, whole or not; None without one."""
    files = ContractFiles(root / FOLDER)
    return files if files.is_ours else None


def published_source(chosen: ContractInForce) -> str:
    """Return the URL where the spec of a contract is published; that of the packaged spec, where it has no files.

    Raises `DocumentError` where the lock does not say.
    """
    from pytest_bctrl.contract.build import published_url

    return published_url(chosen.files or packaged())


def packaged_contract() -> ContractInForce:
    """Return the contract that came with the package."""
    return ContractInForce(packaged().merged, "packaged", packaged())


def contract_of_config(config: Source) -> ContractInForce:
    """Return the contract in force in a run of pytest, as its settings and its rootdir have it."""
    from pytest_bctrl.settings.resolve import Given, contract_setting

    found = contract_setting(config)
    if found is None or found.is_ini:
        # While the first conftest.py files are imported, pytest has its options here alone.
        value = getattr(getattr(config, "known_args_namespace", None), "bctrl_contract", None)
        found = found if value is None else Given(value, "--bctrl-contract")
    if found is None:
        return contract_in_force(None, config.rootpath)
    return contract_in_force(found.value, config.rootpath, found.where)


def contract_header(config: Source, *, is_needed: bool) -> str:
    """Return the line in which pytest names the contract; empty for the packaged one, where that is not needed.

    What is wrong with the contract is said by what uses it.
    """
    try:
        chosen = contract_of_config(config)
    except DocumentError as error:
        return f"contract: {error}"
    return f"contract {chosen}" if is_needed or chosen.origin != "packaged" else ""


def current_contract() -> Contract:
    """Return the loaded contract in force: in the running run of pytest, else in the working directory."""
    config = current_run.config()
    return load_cached(contract_in_force(None, Path.cwd()) if config is None else contract_of_config(config))


def load_cached(chosen: ContractInForce) -> Contract:
    """Return the contract, the same object as long as its file stays the same; raises as `ContractInForce.load`."""
    try:
        changed = chosen.path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _load(chosen, changed)


@lru_cache(maxsize=8)
def _load(chosen: ContractInForce, _changed: int) -> Contract:
    return chosen.load()


def require_files(files: ContractFiles) -> None:
    """Raise `DocumentError` where one of the files is missing that belong to a vendored contract."""
    folder = shown_path(files.folder)
    build = f"write it: pytest-bctrl contract build --contracts {folder}"
    for path, hint in (
        (files.spec, "restore it, or vendor the spec again: pytest-bctrl contract update SOURCE"),
        (files.lock, "restore it, or vendor the spec again: pytest-bctrl contract update SOURCE"),
        (files.overlay, "restore it, or start from the packaged one"),
        (files.merged, build),
    ):
        if not path.is_file():
            raise DocumentError(f"the contract lacks its file {path.name}", where=folder, hint=hint)


def _vendored(lock: Path) -> list[str]:
    """What a lock says of its spec, in words; nothing where it cannot be read."""
    try:
        data = json.loads(lock.read_text("utf-8"))
        return [f"vendored {data['fetched']} from {data['source']}"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
