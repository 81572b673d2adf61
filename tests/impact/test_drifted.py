"""What a finding of the gate makes of one answer."""

from __future__ import annotations

import copy

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift import compare
from pytest_bctrl.impact.change import Call
from pytest_bctrl.impact.drifted import drifted
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.message import Answer, Request
from tests.contract.documents import document


def test_a_header_field_that_is_gone_is_left_out() -> None:
    """The gate's example says which field is missing, and is no value of it."""
    new = document()
    old = copy.deepcopy(new)
    old["paths"]["/v1/things/{id}"]["get"]["responses"]["200"]["headers"] = {"X-Page": {"required": True, "schema": {}}}
    contract = from_document(old, "old.json")
    (change,) = drifted(compare(old, new), contract, from_document(new, "new.json"), Secret("key"), "space")
    before = Answer(200, (("X-Page", "1"),))
    call = Call(Request("GET", "/v1/things/a"), contract.operations[0], {"id": "a"}, before)
    assert change.play is not None
    assert change.play(call).header("X-Page") is None
