"""Three sources attribute each difference: once, to the right side, with the share of the traffic that shows it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.drift import compare
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.attribution import (
    AHEAD,
    BROKEN,
    ORDER,
    PROMISED,
    STALE,
    UNKNOWN,
    attribute_changes,
    next_steps,
)
from pytest_bctrl.observed.facts import Observation, as_data, from_data
from pytest_bctrl.strategies import responses
from tests.contract.documents import contract_of
from tests.drift.published import SPEC
from tests.variants.runtimes import on_all, put

from .bodies import CONTRACT, observation_of
from .three_sources import CASES, Case, adding, item, published, replacing, sent_body

NEXT = next_steps("check", "suggest", "update", "again")


def attributed_findings(spec: dict[str, Any], observation: Observation) -> list[Finding]:
    """Return the differences between the packaged contract, an upstream spec and an observation, with their causes."""
    upstream = contract_with_overlay(load_data(spec, "upstream.yaml"), packaged().overlay)
    return attribute_changes(CONTRACT, upstream, observation, compare(SPEC, spec), NEXT)


def says(finding: Finding, witness: str = "") -> str:
    """Return the cause of a finding, or the statement of one source."""
    return str(finding.extra["witnesses"][witness] if witness else finding.extra["moved"])


@pytest.mark.parametrize("name", CASES)
def test_each_difference_is_attributed_once_to_its_cause(name: str) -> None:
    """The finding has the expected cause, rule and location; upstream's own value is listed in addition."""
    case = CASES[name]
    findings = attributed_findings(published(case), from_data(as_data(observation_of(sent_body(case)))))
    expected = (case.cause, case.rule, case.location)
    reported = [
        (says(finding), finding.rule, finding.location)
        for finding in findings
        if "another value" not in name or says(finding) != PROMISED
    ]
    assert [expected] == reported


def test_values_listed_upstream_and_values_listed_nowhere_are_distinguished() -> None:
    """Of two unlisted values at one location, upstream lists only one."""
    spec = published(CASES["a value that upstream lists"])
    body = sent_body(CASES["a value that upstream lists"])
    body["runtimes"][4]["status"] = "lost"
    attributed = {
        (says(finding), str(finding.observed)): says(finding, "observed")
        for finding in attributed_findings(spec, observation_of(body))
    }
    assert {
        (AHEAD, "lost"): "lost: 1 of 10, as at runtimes[4].status",
        ("our copy is stale", "paused"): "paused: 1 of 10, as at runtimes[3].status",
    } == attributed


_SCHEMA, _STRAY = "response_schema_conformance", "undocumented_property"
_ADDED, _REQUIRED = "response-optional-property-added", "response-required-property-added"
OWNER = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}

TOGETHER: dict[str, tuple[Case, set[tuple[str, str, str]]]] = {
    "more than upstream's property": (
        Case("", "", "", replacing("owner", **OWNER), on_all(owner={"id": "a", "mail": "b"})),
        {(STALE, _ADDED, "runtimes[*].owner"), (AHEAD, _STRAY, "runtimes[*].owner.mail")},
    ),
    "another type than upstream's property": (
        Case("", "", "", adding("tenant", type="integer"), on_all(tenant="t")),
        {(STALE, _ADDED, "runtimes[*].tenant"), (BROKEN, _SCHEMA, "runtimes[*].tenant")},
    ),
    "a property that upstream requires, on its way": (
        Case("", "", "", adding("tenant", required=True), put(3, "tenant", "t")),
        {(STALE, _REQUIRED, "runtimes[*].tenant"), (PROMISED, _SCHEMA, "runtimes[*].tenant")},
    ),
    "more in a property that upstream gave up": (
        Case("", "", "", lambda schemas: item(schemas)["properties"].pop("summary"), put(3, "summary", "tabs", 4)),
        {(PROMISED, "response-optional-property-removed", "runtimes[*].summary")},
    ),
    "a limit, and a value that nobody lists": (
        Case("", "", "", replacing("name", type="string", maxLength=40), put(3, "status", "paused")),
        {
            (UNKNOWN, "response-property-max-length-set", "runtimes[*].name"),
            (AHEAD, _SCHEMA, "runtimes[*].status"),
        },
    ),
    "branches that are told by nothing any more": (
        Case("", "", "", replacing("backing", type="object")),
        {(UNKNOWN, "response-property-type-changed", "runtimes[*].backing")},
    ),
    "a property that is gone with its branches": (
        Case("", "", "", lambda schemas: item(schemas)["properties"].pop("backing")),
        {(PROMISED, "response-optional-property-removed", "runtimes[*].backing")},
    ),
    "a third type": (
        Case("", "", "", replacing("name", type="integer"), on_all(name=True)),
        {(BROKEN, _SCHEMA, "runtimes[*].name"), (UNKNOWN, "response-property-type-changed", "runtimes[*].name")},
    ),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_several_causes_in_one_comparison_are_reported_once_each(name: str) -> None:
    """The expected causes are among the findings, each rule and location once."""
    case, expected = TOGETHER[name]
    findings = attributed_findings(published(case), observation_of(sent_body(case)))
    assert expected <= {(says(finding), finding.rule, finding.location) for finding in findings}
    assert len(findings) == len({(finding.rule, finding.location) for finding in findings})


@pytest.mark.parametrize(
    ("difference", "texts"),
    [
        (
            TOGETHER["a third type"][0],
            {"upstream": "integer", "observed": "the observed values match neither document"},
        ),
        (CASES["a null that is never sent"], {"vendored": "allows no null", "upstream": "allows null"}),
        (CASES["a property that is never sent"], {"observed": "not observed in 10 values that could show it"}),
        # Ten runtimes, of which five have a backing at all.
        (CASES["a kind that is never sent"], {"observed": "not observed in 5 values that could show it"}),
    ],
    ids=["neither document's", "null", "property", "kind"],
)
def test_each_source_has_its_own_text(difference: Case, texts: dict[str, str]) -> None:
    """What the vendored spec, the upstream spec and the traffic say is part of a finding."""
    findings = attributed_findings(published(difference), observation_of(sent_body(difference)))
    assert texts in [{name: says(finding, name) for name in texts} for finding in findings]


def test_an_undocumented_status_is_attributed_to_the_api() -> None:
    """418: the API is ahead, and the vendored spec documents the other statuses."""
    (finding,) = attributed_findings(SPEC, observation_of({"detail": "no"}, status=418))
    assert (says(finding), says(finding, "vendored")) == (AHEAD, "documents 200, 400, 401, 403, 404, 429")


def test_a_status_new_upstream_is_attributed_once_it_was_observed() -> None:
    """Our copy is stale; before that, the cause is unknown: no request provoked the status."""
    spec = copy.deepcopy(SPEC)
    spec["paths"]["/v1/spaces/{id}/runtimes"]["get"]["responses"]["418"] = {"description": "teapot"}
    body = sent_body(CASES["another type"]._replace(api=lambda runtimes: None))
    both = observation_of(body)
    both.add(observation_of({}, status=418))
    unseen = [(says(finding), says(finding, "observed")) for finding in attributed_findings(spec, observation_of(body))]
    assert [(UNKNOWN, "a status is observed only if a request causes it")] == unseen
    assert ["our copy is stale"] == [says(finding) for finding in attributed_findings(spec, both)]


def test_a_renamed_path_parameter_is_not_a_change() -> None:
    """A difference of the traffic is attributed to the API, as with the old name."""
    spec = copy.deepcopy(SPEC)
    operation = spec["paths"].pop("/v1/spaces/{id}/runtimes")
    operation["get"]["parameters"][0]["name"] = "space"
    spec["paths"]["/v1/spaces/{space}/runtimes"] = operation
    upstream = contract_with_overlay(load_data(spec, "upstream.yaml"), None)
    case = CASES["a property that nobody documents"]
    groups = attribute_changes(CONTRACT, upstream, observation_of(sent_body(case)), compare(SPEC, spec), NEXT)
    assert [(AHEAD, "does not document it")] == [
        (says(finding), says(finding, "upstream")) for finding in groups if finding.location
    ]


def test_an_operation_removed_upstream_is_attributed_by_whether_it_still_responds() -> None:
    """If it does, the documentation is ahead of the API; without a request to it, the cause is unknown."""
    spec = copy.deepcopy(SPEC)
    spec["paths"]["/v2/runtimes"] = spec["paths"].pop("/v1/spaces/{id}/runtimes")
    upstream = contract_with_overlay(load_data(spec, "upstream.yaml"), None)
    observed, unobserved = (
        attribute_changes(CONTRACT, upstream, observation, compare(SPEC, spec), NEXT)
        for observation in (observation_of(sent_body(CASES["a property that nobody documents"])), Observation())
    )
    gone = [
        [
            (says(finding), says(finding, "observed"))
            for finding in findings
            if finding.rule.startswith("api-path-removed")
        ]
        for findings in (observed, unobserved)
    ]
    assert [[(PROMISED, "still served (responses: 1)")], [(UNKNOWN, "no request was sent to it")]] == gone
    (finding,) = [finding for finding in observed if finding.location == "runtimes[*].tenant"]
    attributed = (says(finding), says(finding, "vendored"), says(finding, "upstream"))
    assert (AHEAD, "does not document it", "does not have this operation") == attributed


def test_a_changed_request_parameter_cannot_be_attributed_by_responses() -> None:
    spec = copy.deepcopy(SPEC)
    limit = {"name": "limit", "in": "query", "required": True, "schema": {"type": "string"}}
    spec["paths"]["/v1/spaces/{id}/runtimes"]["get"]["parameters"].append(limit)
    (finding,) = attributed_findings(spec, observation_of({"runtimes": []}))
    assert (UNKNOWN, "query limit") == (says(finding), finding.location)
    assert says(finding, "observed").startswith("responses cannot show it")


CHANGED_SIDES: dict[str, tuple[Any, Any, Any, tuple[str, str, str]]] = {
    "const": ({"const": "a"}, {"const": "b"}, "b", (STALE, "a", "b")),
    "boolean": ({"const": True}, {"const": False}, False, (STALE, "true", "false")),
    "required": (
        {"type": "object", "properties": {"x": {}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {}}},
        {},
        (STALE, "required", "optional"),
    ),
    "position": (
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        {"type": "array", "items": {"type": "string"}},
        ["a", "b"],
        (STALE, "integer", "string"),
    ),
}


@pytest.mark.parametrize("name", CHANGED_SIDES)
def test_a_value_that_only_the_upstream_schema_allows_shows_that_the_copy_is_stale(name: str) -> None:
    """Each source has the text of its own side."""
    old, new, body, expected = CHANGED_SIDES[name]
    vendored, upstream = contract_of(old), contract_of(new)
    observation = observation_of(body, contract=vendored)
    changes = compare(dict(vendored.document), dict(upstream.document))
    reported = {
        (says(finding), says(finding, "vendored"), says(finding, "upstream"))
        for finding in attribute_changes(vendored, upstream, observation, changes, NEXT)
    }
    assert expected in reported


def test_an_additional_media_type_upstream_is_not_attributed_to_the_traffic() -> None:
    """The vendored spec agrees with the responses; the added media type is what upstream promises."""
    spec = copy.deepcopy(SPEC)
    content = spec["paths"]["/v1/spaces/{id}/runtimes"]["get"]["responses"]["200"]["content"]
    documented = content.pop("application/json")
    content |= {"application/vnd.api+json": {"schema": {"type": "string"}}, "application/json": documented}
    (body_finding,) = [
        finding for finding in attributed_findings(spec, observation_of({"runtimes": []})) if finding.location == "$"
    ]
    assert ("agrees with the responses", "says string") == (
        says(body_finding, "vendored"),
        says(body_finding, "upstream"),
    )
    assert PROMISED == says(body_finding)


def test_an_overlay_that_no_longer_applies_is_an_error() -> None:
    """Upstream lacks the parameter that its first action selects."""
    spec = copy.deepcopy(SPEC)
    spec["paths"]["/v1/spaces/{id}/runtimes"]["get"]["parameters"].pop()
    with pytest.raises(DocumentError, match=r"upstream\.yaml, .*overlay\.yaml, action 1 .*no longer applies"):
        attributed_findings(spec, observation_of({"runtimes": []}))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(responses())
def test_conforming_traffic_and_an_unchanged_spec_have_no_differences(body: dict[str, Any]) -> None:
    """Attribution finds none for any generated body."""
    assert [] == attributed_findings(SPEC, observation_of(body))


def test_differences_are_sorted_by_cause() -> None:
    """Findings of three causes are in the order of `ORDER`."""
    spec = published(CASES["a property that is never sent"])
    body = sent_body(CASES["another type"])
    body["runtimes"][1]["tenant"] = "t"
    names = [says(finding) for finding in attributed_findings(spec, observation_of(body))]
    assert names == sorted(names, key=ORDER.index)
    assert len(set(names)) == 3


def test_an_overlay_that_cannot_be_read_is_an_error_about_the_overlay(tmp_path: Path) -> None:
    """The error does not name the upstream spec."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("overlay: 1.0.0\nactions: 1\n", "utf-8")
    with pytest.raises(DocumentError) as caught:
        contract_with_overlay(load_data(SPEC, "upstream.yaml"), overlay)
    assert (str(overlay), False) == (caught.value.where, "upstream" in str(caught.value))
