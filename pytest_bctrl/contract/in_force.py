"""Selects the contract in force and its upstream: for pytest, every command and plain Python alike.

The order is the same everywhere: an option, `bctrl_contract` in the configuration that pytest finds, then the project's
folder `contracts/`, which `pytest-bctrl contract update` writes, then the contract that came with the package.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.files import (
    ContractFiles,
    built_from,
    files_with_overlay,
    packaged,
    short_path,
    shown_path,
    update_command,
)
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.settings import current_run
from pytest_bctrl.settings.project import project_setting, read_if_relevant

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        """The path of the spec that the contract was built from, or of the document itself."""
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
        elif self.is_packaged:
            return f"the packaged one, because there is no {FOLDER} folder and bctrl_contract is not set"
        elif self.spec != self.path:
            reason = f"{self.origin} sets {short_path(str(self.path))}"
        else:
            reason = f"{self.origin} sets it"
        return ", ".join([reason, *self._vendoring_phrase()])

    def _vendoring_phrase(self) -> list[str]:
        """Return where and when the spec was vendored, as a list of at most one phrase."""
        if self.files is None:
            return []
        return _vendored_phrase(self.files.lock)

    @property
    def described(self) -> str:
        """A phrase for people: the path of the spec, and why the contract is selected."""
        return f"{short_path(str(self.spec))}: {self.reason}"

    @property
    def is_packaged(self) -> bool:
        """Whether the project has neither a document nor a setting of its own."""
        return self.origin == "packaged"

    def update_command(self, source: str | None) -> str:
        """Return the command that puts a new spec in place of this one; the packaged one is copied to `contracts/`."""
        if self.files is not None and self.files.is_vendored:
            folder = FOLDER if self.files == packaged() else shown_path(self.files.folder)
            return update_command(source, "--contracts", folder)
        if self.origin.startswith("--"):
            return update_command(source, "--contract", shown_path(self.path))
        return update_command(source)

    def require_same_api(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Raise `SettingError` if this is the packaged contract, and the new document is that of another API."""
        if not self.is_packaged or not _title_and_paths(old).isdisjoint(_title_and_paths(new)):
            return
        raise SettingError(
            "the new document is that of another API than the packaged contract, which is in force because there is no "
            f"{FOLDER} folder and bctrl_contract is not set",
            where="bctrl_contract",
            hint="set it to your copy of the document, or name the old document: pytest-bctrl drift NEW --base OLD",
        )

    def require_files(self) -> None:
        """Raise `DocumentError` if the project's `contracts/` lacks a file; the sample may be missing."""
        if self.origin != "project" or self.files is None:
            return
        folder = shown_path(self.files.folder)
        vendor = "vendor the spec again: pytest-bctrl contract update SOURCE"
        for path, hint in (
            (self.files.spec, f"restore it, or {vendor}"),
            (self.files.lock, f"restore it, or {vendor}"),
            (self.files.overlay, "restore it, or start from the packaged one"),
            (self.files.merged, f"write it: pytest-bctrl contract build --contracts {folder}"),
        ):
            if not path.is_file():
                raise DocumentError(f"the contract lacks its file {path.name}", where=folder, hint=hint)

    def load(self) -> Contract:
        """Load and validate the contract, after checking a project's lock; raises `DocumentError` if it is invalid.

        Raises `DocumentError` if one of its files is missing or broken, or if it is not valid OpenAPI 3.0, 3.1 or 3.2.
        """
        from pytest_bctrl.contract.read import load_from

        self.require_files()
        is_packaged = self.files is not None and self.files.folder.resolve() == packaged().folder.resolve()
        if self.files and self.files.is_vendored and not is_packaged:
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
    Its files may be incomplete. Raises `SettingError` for a URL.
    """
    if value is not None and value != PUBLISHED:
        return _contract_of_setting(value, where)
    is_published = value == PUBLISHED
    folder = root / FOLDER
    origin, files, ignored = "project", ContractFiles(folder), None
    if not files.is_ours:
        origin, files = "packaged", packaged()
        ignored = folder if folder.is_dir() else None
    return ContractInForce(files.spec if is_published else files.merged, origin, files, is_published, ignored)


def _contract_of_setting(value: str, where: str) -> ContractInForce:
    """Return the contract at the path that a setting names, with the files that it is made of if there are any.

    Raises `SettingError` for a URL.
    """
    if "://" in value:
        hint = f"download it, and give the file: curl -sSLo openapi.json {value}"
        raise SettingError("a contract is a file, and this is a URL", where=where, hint=hint)
    path = Path(value)
    siblings = ContractFiles(path.parent)
    if path.name == siblings.spec.name and siblings.lock.is_file():
        return ContractInForce(path, where, siblings, is_published=True)
    return ContractInForce(path, where, built_from(value) or files_with_overlay(path))


def upstream_of(contract: ContractInForce, configured: str | None) -> str:
    """Return the source of a contract's upstream: what `bctrl_upstream` sets, else the URL that its lock names.

    Raises `DocumentError` if the lock does not have the URL, and `SettingError` if the contract has none.
    """
    if configured is not None:
        return configured
    if contract.files is None or not contract.files.is_vendored:
        raise SettingError(
            f"no upstream of the contract {short_path(str(contract.path))} is known: {contract.reason}",
            where="bctrl_upstream",
            hint="set it to the URL or path where the API publishes its document, or name that document: "
            "pytest-bctrl drift NEW; to compare with the last commit: pytest-bctrl drift --base git:HEAD",
        )
    from pytest_bctrl.contract.build import published_url

    return published_url(contract.files)


def project_upstream(contract: ContractInForce) -> str:
    """Return the source of a contract's upstream under the configuration that pytest finds; raises as `upstream_of`."""
    from pytest_bctrl.settings.resolve import upstream

    return upstream_of(contract, project_setting("bctrl_upstream", lambda config: upstream(config, os.environ)))


def project_contract(name: str | None = None, where: str = "--contract") -> ContractInForce:
    """Return the contract with the path or name that `where` gives; None is the one in force outside pytest.

    Its files may be incomplete. Raises `BctrlError` if pytest cannot read the configuration of the project.
    """
    folder = Path.cwd()
    if name is None:
        names = ("bctrl_contract", *_SECURITY)
        return read_if_relevant(names, FOLDER, contract_of_config) or contract_in_force(None, folder)
    if name == PUBLISHED:
        folder = read_if_relevant((), FOLDER, lambda config: config.rootpath) or folder
    contract = contract_in_force(name, folder, where)
    return read_if_relevant(_SECURITY, "", partial(with_security_settings, contract)) or contract


_SECURITY = ("bctrl_key_prefix", "bctrl_security")
"""The settings of the security of a contract."""


def packaged_contract() -> ContractInForce:
    """Return the contract that came with the package."""
    return ContractInForce(packaged().merged, "packaged", packaged())


def contract_of_config(config: SettingSource) -> ContractInForce:
    """Return the contract in force in a run of pytest, with the key prefix and the preferred schemes of its settings.

    Raises `SettingError` for a URL, and for a wrong prefix of the key.
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
        contract.require_files()
    except DocumentError as error:
        return f"contract: {error}"
    if contract.is_packaged and not is_needed:
        return ""
    return f"contract {contract}"


def current_contract() -> Contract:
    """Return the contract in force, loaded: that of the current run of pytest, else of the working directory."""
    config = current_run.config()
    return load_cached(project_contract() if config is None else contract_of_config(config))


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


def _title_and_paths(document: Mapping[str, Any]) -> set[str]:
    """Return the title and the paths of a document, which may be invalid."""
    info, paths = document.get("info"), document.get("paths")
    names = set(paths) if isinstance(paths, dict) else set()
    if isinstance(info, dict):
        names.add(str(info.get("title")))
    return names


def _vendored_phrase(lock: Path) -> list[str]:
    """Return where and when a lock's spec was vendored, as a list of one phrase; empty if the lock cannot be read."""
    try:
        data = json.loads(lock.read_text("utf-8"))
        return [f"vendored {data['fetched']} from {data['source']}"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
