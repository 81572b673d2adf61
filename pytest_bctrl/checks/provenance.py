"""Where the rule of a finding comes from, what of a contract is the overlay's, and who gave the answer."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.files import ContractFiles
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding


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


OVERLAY = "overlay"
_LONG = 1_000
_OF_HTTP = frozenset(
    {"strict_json", "interoperable_json", "complete_answer", "not_a_server_error", "retired_operation"}
)
_OF_THE_KIT = frozenset({"undocumented_property", "positive_data_acceptance", "negative_data_rejection"})


def source_of(rule: str, answer: Answer) -> str:
    """Return where a rule comes from: HTTP, the kit, the published spec, the overlay, or a contract without one."""
    if rule in _OF_HTTP:
        return "HTTP"
    if rule in _OF_THE_KIT:
        return "pytest-bctrl"
    added = overlaid(answer.contract)
    if added is None:
        return "contract"
    invariants = (one["rule"] for one in answer.operation.invariants)
    status = answer.documented.status if answer.documented is not None else ""
    is_added = (answer.operation.label, status) in added or rule == "ignored_auth" or rule in invariants
    return OVERLAY if is_added else "published spec"


def answered_by(answer: Answer) -> str:
    """Return who gave an answer, in a sentence, by how it differs from the plain one; empty where nothing tells."""
    usual = answer.usual
    if usual is None or answer.status < 300:
        return ""
    signs = []
    if usual.parsed.ok and answer.body and not answer.parsed.ok:
        signs.append("it is not JSON")
    for name in ("Server", "Via"):
        own, known = answer.header(name), usual.header(name)
        if own != known:
            signs.append(f"its {name} is {own or 'missing'}, that of the plain answer {known or 'missing'}")
    return f"a proxy or framework before the application, it seems: {'; '.join(signs)}" if signs else "the application"


def is_malformed(values: Iterable[str]) -> bool:
    """Whether no client sends such path values: control characters, slashes, dot segments, no text, or far too long."""
    return any(
        not value.strip(".")
        or len(value) > _LONG
        or any(letter in "/\\" or unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co") for letter in value)
        for value in values
    )


def softened(answer: Answer, found: list[Finding]) -> list[Finding]:
    """Return what is wrong with the refusal of an odd path value, at the level that its rule deserves.

    What only the overlay documents is a warning. Where something before the application refused what no client sends,
    that is one finding of level `info`. A crash and an answer as if all were well stay what they are.
    """
    if not 300 <= answer.status < 500 or not found:
        return found
    if is_malformed(answer.path_values.values()) and answered_by(answer) not in ("", "the application"):
        message = "what no client sends is refused before it reaches the application"
        return [replace(found[0], level="info", message=message)]
    is_soft = answer.status >= 400 and source_of("status_code_conformance", answer) == OVERLAY
    return [replace(one, level="warning") if is_soft and one.level == "error" else one for one in found]
