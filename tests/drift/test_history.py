"""The same page when its path was another, and its component names with it."""

from __future__ import annotations

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare

from .published import SPEC, TEXT

_OLD = load_document(
    TEXT.replace("/v1/spaces/{id}/runtimes", "/v1/workspaces/{id}/runtimes")
    .replace("V1SpacesIdRuntimes", "V1WorkspacesIdRuntimes")
    .replace("spaces_runtimesList", "workspaces_runtimesList")
    .replace("inside a space", "inside a workspace"),
    "history.yaml",
)


def test_a_changed_path_is_one_removed_and_one_added_operation() -> None:
    """The rules of the findings for an old spec with `workspaces` in its path."""
    changes = [(finding.rule, finding.expected, finding.observed) for finding in compare(_OLD, SPEC)]
    assert changes == [
        ("api-path-removed-without-deprecation", "GET /v1/workspaces/{id}/runtimes", None),
        ("endpoint-added", None, "GET /v1/spaces/{id}/runtimes"),
    ]


def test_a_changed_path_is_an_error() -> None:
    """The removed operation is; the added one is info."""
    assert [finding.level for finding in compare(_OLD, SPEC)] == ["error", "info"]
