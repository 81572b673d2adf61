"""`check` and `assert_conforms`, as a user's own test calls them."""

from __future__ import annotations

import copy
import json
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

import pytest_bctrl
from pytest_bctrl import assert_conforms, check
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.findings.finding import FAIL_ON, LEVELS, Finding, at_or_above
from tests.variants.catalogue import CATALOGUE
from tests.variants.variant import Variant

SAMPLE: dict[str, Any] = json.loads(packaged().sample.read_text("utf-8"))


def body(**changes: Any) -> dict[str, Any]:
    """Return the sample body with its first runtime only, changed."""
    return {"runtimes": [{**copy.deepcopy(SAMPLE["runtimes"][0]), **changes}]}


def test_every_finding_can_be_written_as_json() -> None:
    """Also those about a lone surrogate, a control character, and a number too large for a float."""
    odd = json.dumps(body(name="@", status="\ud800", extra="\x1b")).replace('"@"', "1e999").encode()
    assert len([json.dumps(finding.as_dict(), allow_nan=False) for finding in check(odd)]) > 1


def test_a_conforming_response_passes() -> None:
    assert_conforms(httpx.Response(200, json=SAMPLE))


def test_a_nonconforming_response_fails_with_the_finding() -> None:
    """`assert_conforms` raises `AssertionError` with rule and location of an undocumented status."""
    with pytest.raises(AssertionError, match=r"1 error: response_schema_conformance at runtimes\[\*\]\.status"):
        assert_conforms(body(status="odd"))


def test_an_unknown_attribute_of_the_package_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gone'"):
        pytest_bctrl.gone  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [("error", ["error"]), ("warning", ["error", "warning"]), ("info", list(LEVELS)), ("never", [])],
)
def test_fail_on_includes_all_worse_levels(fail_on: Any, expected: list[str]) -> None:
    """`at_or_above` returns the findings of these levels; `assert_conforms` raises for a warning if it is included."""
    findings = [Finding("r", level, "$", "m") for level in LEVELS]
    with pytest.raises(AssertionError) if "warning" in expected else nullcontext():
        assert_conforms(body(tags=[]), fail_on=fail_on)
    assert (expected, True) == ([finding.level for finding in at_or_above(findings, fail_on)], fail_on in FAIL_ON)


KINDS = ("harmless", "schema", "undocumented", "invariants")
BODIES = [variant for variant in CATALOGUE if variant.kind in KINDS and "every-fifth" not in variant.name]
"""The variants whose fault is in every response, so that one body has it."""
VERDICTS = {"error": "error", "warning": "warning", "pass": "none"}


@pytest.mark.parametrize("variant", BODIES, ids=str)
def test_check_gives_every_variant_its_expected_verdict(variant: Variant) -> None:
    """The worst level of `check` for the response body of each reference variant is that of its manifest."""
    service = variant.service
    url = f"https://api.example.org/v1/spaces/{service.space_id}/runtimes"
    response = httpx.Response(200, json=service.document(), request=httpx.Request("GET", url))
    levels = [finding.level for finding in check(response)]
    assert VERDICTS[variant.expect] == next((level for level in LEVELS if level in levels), "none")


def test_a_response_is_checked_as_that_of_the_longest_path_that_its_url_ends_with_and_of_its_method() -> None:
    """`/users/{id}/orders` ends with `/orders`."""

    def item(name: str, *methods: str) -> dict[str, Any]:
        """Return a path item whose responses have a required property with the name of the operation."""

        def operation(method: str) -> dict[str, Any]:
            """Return an operation whose response requires a property with the name and the method."""
            content = {"application/json": {"schema": {"required": [f"{name}-{method}"]}}}
            return {"responses": {"200": {"description": "", "content": content}}}

        return {method: operation(method) for method in methods}

    paths = {
        "/orders": item("orders", "get", "post"),
        "/users/{id}/orders": item("users", "get", "post"),
        "/users/me/orders": item("me", "get"),
        "/v2/orders": item("v2", "post"),
    }
    contract = from_document({"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": paths}, "a.json")
    requests = {
        ("GET", "/orders"): "orders-get",
        ("POST", "/api/orders"): "orders-post",
        ("GET", "/users/7/orders"): "users-get",
        ("POST", "/api/users/7%2F8/orders/"): "users-post",
        ("GET", "/users/m%65/orders"): "me-get",
    }
    for (method, path), name in requests.items():
        request = httpx.Request(method, f"https://api.example.org{path}")
        (finding,) = check(httpx.Response(200, json={}, request=request), contract=contract)
        assert (name, "the required property is missing") == (finding.location, finding.message), (method, path)


@pytest.mark.parametrize("names", [("label", "number"), ("number", "label")])
def test_a_response_is_checked_as_that_of_the_path_whose_parameter_accepts_its_value(names: tuple[str, str]) -> None:
    """If only the names of the parameters distinguish two paths."""
    types = {"label": "string", "number": "integer"}
    paths = {
        f"/boxes/{{{name}}}": {
            "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": types[name]}}],
            "get": {
                "responses": {
                    "200": {"description": "", "content": {"application/json": {"schema": {"required": [name]}}}}
                }
            },
        }
        for name in names
    }
    contract = from_document({"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": paths}, "a.json")
    for value, name in (("x", "label"), ("7", "number")):
        request = httpx.Request("GET", f"https://api.example.org/boxes/{value}")
        (finding,) = check(httpx.Response(200, json={}, request=request), contract=contract)
        assert (name, f"GET /boxes/{{{name}}}") == (finding.location, finding.operation)
