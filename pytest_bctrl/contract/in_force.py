"""Selects the contract in force: the document that pytest and every command check against.

The order is the same everywhere: `--bctrl-contract` or `bctrl_contract`, then the project's folder `contracts/`, which
`pytest-bctrl contract update` writes, then the contract that came with the package.
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
    from pytest_bctrl.settings.lookup import SettingSource

PUBLISHED = "published"
"""The value of `--bctrl-contract` for the vendored spec without the overlay."""

FOLDER = "contracts"

_LIMITS = "credentials and rejections are not checked"


class ContractInForce(NamedTuple):
    """The selected contract: its document, the origin of the selection, and the vendored files it belongs to, if any.

    `origin` is `project`, `packaged` or the name of a setting. With `is_published`, the document is the vendored spec
    without the overlay. `ignored` is a folder `contracts/` that has no contract of this kit. `key_prefix` is what the
    settings put in front of the key, and `security` the security schemes that they prefer.
    """

    path: Path
    origin: str
    files: ContractFiles | None = None
    is_published: bool = False
    ignored: Path | None = None
    key_prefix: str = ""
    security: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{short_path(str(self.path))} ({self.provenance})"

    @property
    def spec(self) -> Path:
        """The path of the published spec that the contract was built from, or of the document itself."""
        return self.files.spec if self.files else self.path

    @property
    def overlay(self) -> Path | None:
        """The path of the overlay that is part of the contract; None if there is none."""
        if self.files is None or self.is_published:
            return None
        return self.files.overlay

    @property
    def provenance(self) -> str:
        """A phrase for reports: the origin of the selection, and when and from where the spec was vendored."""
        parts = [self.origin]
        if self.is_published:
            parts.append("published spec without the overlay")
        provenance = ", ".join(parts + self._vendoring_phrase())
        if self.is_published:
            provenance += f"; {_LIMITS}"
        return provenance

    @property
    def reason(self) -> str:
        """A phrase for people: why this contract is selected, and when and from where its spec was vendored."""
        if self.origin == "project":
            reason = f"the project has a {FOLDER} folder"
        elif self.origin == "packaged":
            reason = f"the packaged one, because there is no {FOLDER} folder and bctrl_contract is not set"
        elif self.files:
            reason = f"{self.origin} sets {short_path(str(self.path))}"
        else:
            reason = f"{self.origin} sets it"
        return ", ".join([reason, *self._vendoring_phrase()])

    def _vendoring_phrase(self) -> list[str]:
        """Return where and when the spec was vendored, as a list of at most one phrase."""
        if self.files is None:
            return []
        return _vendored_phrase(self.files.lock)

    def update_command(self, source: str | None) -> str:
        """Return the command that vendors a new spec in place of this one, or into the project's `contracts/`."""
        if self.files is None or self.files == packaged():
            return update_command(source, FOLDER)
        return update_command(source, shown_path(self.files.folder))

    def load(self) -> Contract:
        """Load and validate the contract, after checking a project's lock; raises `DocumentError` if it is invalid.

        Raises `DocumentError` if one of its files is missing or broken, or if it is not valid OpenAPI 3.0, 3.1 or 3.2.
        """
        from pytest_bctrl.contract.read import load_from

        is_packaged = self.files is not None and self.files.folder.resolve() == packaged().folder.resolve()
        if self.files and not is_packaged:
            from pytest_bctrl.contract.build import require_locked

            require_locked(self.files)
        is_validated = is_packaged and not self.is_published
        option = "--bctrl-contract" if self.origin in ("project", "packaged") else self.origin
        contract = load_from(None if is_validated else self.path, option, self.provenance)
        if not self.key_prefix and not self.security:
            return contract
        from pytest_bctrl.contract.key_fields import with_key_prefix, with_preferred_schemes

        if self.key_prefix:
            contract = with_key_prefix(contract, self.key_prefix)
        return with_preferred_schemes(contract, self.security)


def contract_in_force(value: str | None, root: Path, where: str = "--bctrl-contract") -> ContractInForce:
    """Return the contract that a setting, the project's `contracts/` or the package selects, in this order.

    `value` is the value of the setting that `where` names, None if it is not set, and `root` the project's folder.
    Raises `DocumentError` if the project's `contracts/` lacks a file.
    """
    if value is not None and value != PUBLISHED:
        return _contract_of_setting(value, where)
    is_published = value == PUBLISHED
    origin, files = "project", project_files(root)
    if files is None:
        origin, files = "packaged", packaged()
    else:
        require_files(files)
    folder = root / FOLDER
    ignored = folder if folder.is_dir() and not ContractFiles(folder).is_ours else None
    return ContractInForce(files.spec if is_published else files.merged, origin, files, is_published, ignored)


def _contract_of_setting(value: str, where: str) -> ContractInForce:
    """Return the contract at the path that a setting names, with its vendored files if it has any."""
    path = Path(value)
    siblings = ContractFiles(path.parent)
    if path.name == siblings.spec.name and siblings.lock.is_file():
        return ContractInForce(path, where, siblings, is_published=True)
    return ContractInForce(path, where, built_from(value))


def project_files(root: Path) -> ContractFiles | None:
    """Return the contract files of a project's `contracts/`, complete or not; None if there are none."""
    files = ContractFiles(root / FOLDER)
    return files if files.is_ours else None


def published_source(contract: ContractInForce) -> str:
    """Return the URL where a contract's spec is published; that of the packaged spec for a contract without files.

    Raises `DocumentError` if the lock does not have the URL.
    """
    from pytest_bctrl.contract.build import published_url

    return published_url(contract.files or packaged())


def packaged_contract() -> ContractInForce:
    """Return the contract that came with the package."""
    return ContractInForce(packaged().merged, "packaged", packaged())


def contract_of_config(config: SettingSource) -> ContractInForce:
    """Return the contract in force in a run of pytest, with the key prefix and the preferred schemes of its settings.

    Raises `DocumentError` as `contract_in_force` does, and `SettingError` for a wrong prefix of the key.
    """
    return with_security_settings(_selected_contract(config), config)


def with_security_settings(selected: ContractInForce, config: SettingSource) -> ContractInForce:
    """Return the contract in force with the settings of its security: the key prefix and the preferred schemes."""
    from pytest_bctrl.settings.resolve import key_prefix, preferred_schemes

    return selected._replace(key_prefix=key_prefix(config), security=preferred_schemes(config))


def _selected_contract(config: SettingSource) -> ContractInForce:
    """Return the contract that the option or the setting selects, else that of the project or the package."""
    from pytest_bctrl.settings.resolve import contract_setting

    setting = contract_setting(config)
    if setting is None or setting.is_ini:
        # While pytest imports the first conftest.py files, this namespace alone has its options.
        value = getattr(getattr(config, "known_args_namespace", None), "bctrl_contract", None)
        if value is not None:
            return contract_in_force(value, config.rootpath)
    if setting is None:
        return contract_in_force(None, config.rootpath)
    return contract_in_force(setting.value, config.rootpath, setting.where)


def contract_header(config: SettingSource, *, is_needed: bool) -> str:
    """Return pytest's header line on the contract or the error in its selection; empty if packaged and not `is_needed`.

    An invalid contract is reported when it is loaded.
    """
    try:
        contract = contract_of_config(config)
    except DocumentError as error:
        return f"contract: {error}"
    if contract.origin == "packaged" and not is_needed:
        return ""
    return f"contract {contract}"


def current_contract() -> Contract:
    """Return the contract in force, loaded: that of the current run of pytest, else of the working directory."""
    config = current_run.config()
    if config is None:
        return load_cached(contract_in_force(None, Path.cwd()))
    return load_cached(contract_of_config(config))


def load_cached(selected: ContractInForce) -> Contract:
    """Return the loaded contract, the same object until its file changes; raises as `ContractInForce.load` does."""
    try:
        modified = selected.path.stat().st_mtime_ns
    except OSError:
        modified = 0
    return _load_unchanged(selected, modified)


@lru_cache(maxsize=8)
def _load_unchanged(selected: ContractInForce, _modified: int) -> Contract:
    """Load a contract once per modification time of its file."""
    return selected.load()


def require_files(files: ContractFiles) -> None:
    """Raise `DocumentError` if the spec, lock, overlay or merged contract is missing; the sample may be."""
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


def _vendored_phrase(lock: Path) -> list[str]:
    """Return where and when a lock's spec was vendored, as a list of one phrase; empty if the lock cannot be read."""
    try:
        data = json.loads(lock.read_text("utf-8"))
        return [f"vendored {data['fetched']} from {data['source']}"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
