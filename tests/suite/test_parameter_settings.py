"""`bctrl_values` gives a parameter a value in all operations, or in one."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.parameter_settings import require_parameters, setting_lines, values_of

from .test_operation_outcomes import operation, outcomes, run_live, serve, write_contract

__all__ = ["run_live"]

NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
PATHS = {
    "/users/{name}": operation("getUser", "404", parameters=[NAME]),
    "/groups/{name}": operation("getGroup", "404", parameters=[NAME]),
}


def contract(**paths: Any) -> Contract:
    """Return a contract with these paths, by default `PATHS`."""
    data = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths or PATHS}
    return from_document(data, "api.json")


def test_operation_gets_its_own_value(run_live: Any, pytester: pytest.Pytester) -> None:
    """`getUser.name` and `GET /groups/{name} name` in `bctrl_values`: both operations pass."""
    pytester.makeini("[pytest]\nbctrl_values =\n    getUser.name = alice\n    GET  /groups/{name}  name = staff")
    write_contract(PATHS)
    with serve({"/users/alice": 200, "/groups/staff": 200}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.OK
    assert {"getUser": "passed", "getGroup": "passed"} == outcomes(report)


def test_missing_values_are_named_with_the_lines_to_paste(run_live: Any, pytester: pytest.Pytester) -> None:
    """The report's reason for an unchecked operation ends with the line for `bctrl_values`."""
    write_contract({**PATHS, "/a": operation("a")})
    with serve({"/a": 200}) as url:
        _, report = run_live(url)
    reasons = {entry["operation_id"]: entry["reason"] for entry in report["operations"]}
    missing = "no value for name, and no example in the contract; add to bctrl_values: "
    assert f"{missing}getUser.name = VALUE" == reasons["getUser"]
    assert f"{missing}getGroup.name = VALUE" == reasons["getGroup"]


def test_unknown_name_is_a_usage_error_with_similar_names(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BCTRL_API_KEY", "key_of_no_operation")
    pytester.makeini("[pytest]\nbctrl_values = getUsr.name = alice")
    write_contract(PATHS)
    result = pytester.runpytest("--bctrl-live", "--bctrl-base-url=http://127.0.0.1:1", "--bctrl-contract=api.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*bctrl_values: no operation has the parameter 'getUsr.name' (did you mean getUser.na*"]
    )


@pytest.mark.parametrize(
    ("settings", "user", "group"),
    [
        ({"name": "a"}, "a", "a"),
        ({"name": "a", "getUser.name": "b"}, "b", "a"),
        ({"getUser.name": "b"}, "b", None),
        ({"getUser.name": "b", "GET /users/{name} name": "c"}, "c", None),
    ],
)
def test_the_more_specific_name_takes_precedence(settings: dict[str, str], user: str, group: str | None) -> None:
    """`GET /users/{name} name` over `getUser.name`, and that over `name`."""
    values = [values_of(operation, settings).get("name") for operation in contract().operations]
    assert [user, group] == values


def test_value_of_an_operation_takes_precedence_over_the_setting() -> None:
    """A parameter with `x-bctrl-setting` has two names; the name of the setting alone applies to all operations."""
    parameter = {**NAME, "x-bctrl-setting": "space_id"}
    (listed,) = contract(**{"/spaces/{name}": operation("listed", parameters=[parameter])}).operations
    values = values_of(listed, {"space_id": "a", "listed.name": "b"})
    assert ("b", "b") == (values["space_id"], values["name"])


@pytest.mark.parametrize(
    ("name", "hint"), [("zzz", "write parameter = value, operationId.parameter = value"), ("nme", "did you mean name?")]
)
def test_hint_depends_on_the_similarity(name: str, hint: str) -> None:
    """The error for an unknown parameter suggests a similar name, or else explains the syntax."""
    with pytest.raises(SettingError, match=hint.replace("?", "[?]")):
        require_parameters(contract(), [name])


def test_names_of_excluded_operations_are_accepted() -> None:
    """`require_parameters` raises nothing for a parameter of an operation that is invalid."""
    broken = {"get": {"operationId": "b", "responses": {"200": {"$ref": "#/components/responses/Missing"}}}}
    require_parameters(contract(**{"/a": operation("a"), "/b/{id}": broken}), ["b.id"])


def test_contract_without_parameters_takes_no_values() -> None:
    with pytest.raises(SettingError, match="remove the line: the operations have no parameters"):
        require_parameters(contract(**{"/a": operation("a")}), ["id"])


def test_line_is_limited_to_an_operation_only_if_the_name_has_several_meanings() -> None:
    """`setting_lines`: `name = VALUE`, or `GET /users/{name} name = VALUE`."""
    users = {
        "/users/{name}": operation("", parameters=[NAME]),
        "/users/{name}/keys": operation("keys", parameters=[NAME]),
    }
    first, *_ = contract(**users).operations
    assert ["name = VALUE"] == setting_lines(contract(**users), first, ["name"])
    both = contract(**{**users, "/groups/{name}": operation("group", parameters=[NAME])})
    assert ["GET /users/{name} name = VALUE"] == setting_lines(both, first, ["name"])
