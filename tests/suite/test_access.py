"""A target that rejects every operation is not checked, and the message says what to change."""

from __future__ import annotations

from typing import Any

import pytest

from .test_operation_outcomes import operation, run_live, serve, write_contract

__all__ = ["run_live"]

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "a"}
BEARER = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
SECURED: dict[str, Any] = {"security": [{"key": []}]}


@pytest.mark.parametrize(
    ("path", "keywords", "status", "message"),
    [
        ("/a", {}, 401, "rejects a request without a key with 401; set BCTRL_API_KEY, and document the security"),
        (
            "/a",
            SECURED,
            401,
            "rejects the credential with 401: key (Authorization: Bearer …) from BCTRL_API_KEY; check that it is",
        ),
        (
            "/a",
            SECURED,
            403,
            "rejects the credential with 403: key (Authorization: Bearer …) from BCTRL_API_KEY; check that it may send",
        ),
        ("/a", {}, 404, "has nothing at this path: 404; check the base URL"),
        (
            "/a/{id}",
            {"parameters": [ID]},
            404,
            "has nothing at this path: 404; check the base URL, and that the values of id exist (bctrl_values)",
        ),
    ],
)
def test_message_says_what_to_change(
    run_live: Any, monkeypatch: pytest.MonkeyPatch, path: str, keywords: dict[str, Any], status: int, message: str
) -> None:
    """If the target rejects the only operation, the run was not checked; a line names the status and the setting."""
    write_contract({path: operation("a", str(status), **keywords)}, components=BEARER)
    if not keywords.get("security"):
        monkeypatch.delenv("BCTRL_API_KEY")
    with serve({path.replace("{id}", "a"): status}) as url:
        result, _ = run_live(url)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    (line,) = [line for line in result.stdout.lines if line.startswith("not checked  the target ")]
    assert line.startswith(f"not checked  the target {message}")
    assert "space" not in line
