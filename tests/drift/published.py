"""The published spec, as the project vendors it, and the page it is published on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.files import packaged

TEXT = packaged().spec.read_text("utf-8")
SPEC: dict[str, Any] = load_document(TEXT, "spec.yaml").data


_PAGE = Path(__file__).parents[1] / "languages" / "runtimes-list.md"
SAMPLES = _PAGE.read_text("utf-8")[_PAGE.read_text("utf-8").index("## SDK Code Examples") :]
"""The samples of the page, in eight languages."""


def page(text: str = TEXT) -> str:
    """Return a documentation page around an OpenAPI text, which begins on line 8."""
    lines = ["# List Runtimes", "", "GET /v1/spaces/{id}/runtimes", "", "## OpenAPI Specification", "", "```yaml"]
    return "\n".join([*lines, f"{text}```", "", SAMPLES])


def written(folder: Path, text: str, name: str = "page.md") -> str:
    """Write a file with this text and return its path."""
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)
