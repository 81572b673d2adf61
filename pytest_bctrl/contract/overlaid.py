"""What of a contract is the overlay's, and not the published spec's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pytest_bctrl.contract.files import ContractFiles
from pytest_bctrl.contract.model import Contract


@lru_cache(maxsize=8)
def overlaid(contract: Contract) -> frozenset[tuple[str, str]] | None:
    """Return the answers, by label and status, that the overlay documents; None for a contract that has none.

    The spec is looked for beside the contract, where `pytest-bctrl contract build` put it.
    """
    files = ContractFiles(Path(contract.name).parent)
    if Path(contract.name).name != files.merged.name or not files.spec.is_file():
        return None
    from pytest_bctrl.contract.yaml_source import read_yaml
    from pytest_bctrl.incoming import read_text

    paths = read_yaml(read_text(files.spec), str(files.spec)).get("paths", {})
    return frozenset(
        (operation.label, status)
        for operation in contract.operations
        for status in operation.responses
        if status not in paths.get(operation.path, {}).get(operation.method.lower(), {}).get("responses", {})
    )
