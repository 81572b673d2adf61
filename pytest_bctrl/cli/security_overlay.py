"""The overlay that applies the security which a document describes and does not apply, for `init` and `doctor`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytest_bctrl.contract.build import render
from pytest_bctrl.contract.key_fields import key_fields
from pytest_bctrl.contract.overlay import apply_overlay
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.unapplied_security import UnappliedSecurity
from pytest_bctrl.escaping import escape_line


class SecurityOverlay(NamedTuple):
    """An overlay that applies a security scheme to the document at a path."""

    unapplied: UnappliedSecurity
    document: str

    @property
    def path(self) -> str:
        """The path of the overlay: `openapi.overlay.yaml` for `openapi.yaml`."""
        return str(Path(self.document).with_suffix(".overlay.yaml"))

    @property
    def contract_path(self) -> str:
        """The path of the contract that the overlay results in: `openapi.contract.json` for `openapi.yaml`."""
        return str(Path(self.document).with_suffix(".contract.json"))

    @property
    def command(self) -> str:
        """The command that writes the contract."""
        arguments = ["--contract", self.document, "--overlay", self.path, "--output", self.contract_path]
        return shlex.join(["pytest-bctrl", "contract", "build", *arguments])

    @property
    def text(self) -> str:
        """The overlay as YAML, below comments; of several schemes, it applies the first."""
        # PyYAML takes a while to import, and most documents need no overlay.
        from pytest_bctrl.cli.yaml_output import yaml_text

        first, *others = self.unapplied.schemes
        lines = [f"Applies the security scheme {first}. After a change: {self.command}"]
        if first in self.unapplied.derived:
            lines.append("The document does not define this scheme: correct it if the API expects another one.")
        if others:
            lines.append(f"Keep the scheme that the API accepts: {first} or {' or '.join(others)}.")
        return "".join(f"# {escape_line(line)}\n" for line in lines) + yaml_text(self.unapplied.overlay(first))

    def merged(self, document: Mapping[str, Any]) -> str:
        """Return the contract of a document with the overlay applied as text; empty if no request could carry a key.

        The document is complete: it also has the operations that are excluded from its contract.
        """
        applied = apply_overlay(self.unapplied.overlay(self.unapplied.scheme), document, self.path)
        contract = from_document(applied, self.contract_path)
        secured = [operation for operation in contract.operations if operation.label in self.unapplied.operations]
        if any(key_fields(operation) is None for operation in secured):
            return ""
        return render(applied)
