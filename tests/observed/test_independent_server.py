"""What an observer of ordinary traffic reports about a server that is independent of the package."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.run import check_response
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.retry import RetryPolicy
from tests.observed.bodies import CONTRACT, OPERATION
from tests.traffic.callers import KeyAuth
from tests.variants import Variant, serve
from tests.variants.runtimes import Document, Edit, cut, edited, on_all, put
from tests.variants.service import Service
from tests.variants.variant import harmless

ONCE = RetryPolicy(attempts=1)


def observed(variant: Variant, times: int = 1, retry: RetryPolicy = ONCE) -> tuple[Observer, list[httpx.Response]]:
    """Request the list of a variant; return the observer, and the responses that could be received and decoded."""
    observer = Observer(CONTRACT)
    responses = []
    with ExitStack() as stack:
        server = stack.enter_context(serve(variant))
        http_client = stack.enter_context(
            client(
                server.url,
                KeyAuth(server.url, server.api_key),
                live=True,
                retry=retry,
                see=partial(observer.observe, validated=False),
            )
        )
        for _ in range(times):
            try:
                responses.append(http_client.get(f"/v1/spaces/{server.space_id}/runtimes"))
            except (httpx.TransportError, httpx.DecodingError):
                continue
    return observer, responses


def drift(variant: Variant, times: int = 1, retry: RetryPolicy = ONCE) -> list[Finding]:
    """Return the differences between the observed responses of a variant and the contract."""
    observer, _ = observed(variant, times, retry)
    return differences(CONTRACT, observer.unvalidated)


def sending(document: Document) -> Variant:
    """Return a variant of the server that sends a document."""
    return harmless("sending", "", Service(document=document))


def envelope() -> dict[str, Any]:
    """Return a list of 300 runtimes with an undocumented property beside it."""
    return {**edited(count=300)(), "nextCursor": None}


EPHEMERAL = {"kind": "ephemeral"}

NEW = "undocumented-property"

TABLE: list[tuple[Edit, str, str, int, str]] = [
    (on_all(tenant="t"), "tenant", NEW, 300, "[0]"),
    (put(299, "tenant", "t"), "tenant", NEW, 1, "[299]"),
    (put(7, "connections", "cdp", "url", "ws://x"), "connections.cdp.url", NEW, 1, "[7]"),
    (put(7, "backing", EPHEMERAL | {"image": "b"}), "backing.image", NEW, 1, "[7]"),
    (put(7, "backing", "profileId", "p"), "backing.profileId", NEW, 1, "[7]"),
    (put(7, "status", "archived"), "status", "unlisted-value", 1, "[7]"),
    (put(7, "backing", {"kind": "cloud", "region": "x"}), "backing.kind", "new-branch", 1, "[7]"),
    (put(7, "name", None), "name", "null", 1, "[7]"),
    (put(7, "connections", "cdp", "available", "yes"), "connections.cdp.available", "type", 1, "[7]"),
    (cut(7, "region"), "region", "missing", 1, "[7]"),
    (put(7, "id", "rt_123"), "id", "format", 1, "[7]"),
]
"""An edit of one of 300 runtimes; the place below the runtime, the kind, how many, and where the sample is."""


@pytest.mark.parametrize("row", TABLE, ids=[f"{row[2]}-{row[1]}-{row[3]}" for row in TABLE])
def test_each_drift_is_reported_once_with_location_and_counts(row: tuple[Edit, str, str, int, str]) -> None:
    """An edited list, observed three times, has one difference, which `check` finds in a single response."""
    edit, place, kind, count, sample = row
    observer, responses = observed(sending(edited(edit, count=300)), times=3)
    (finding,) = differences(CONTRACT, observer.unvalidated)
    assert (f"runtimes[*].{place}", kind) == (finding.location, finding.extra["kind"])
    assert (3 * count, 900) == (finding.count, finding.total)
    assert finding.sample["location"].startswith(f"runtimes{sample}.")
    assert finding.extra["pointer"].startswith("/components/schemas/")
    # The checks report the same about one response.
    (checked,) = {
        (finding.rule, finding.location, finding.count, finding.total) for finding in _check_findings(responses[0])
    }
    assert (finding.rule, f"runtimes[*].{place}", count, 300) == checked


def test_an_undocumented_property_of_the_envelope_is_reported_once() -> None:
    (finding,) = drift(sending(envelope), times=3)
    assert ("nextCursor", NEW, 3, 3) == (finding.location, finding.extra["kind"], finding.count, finding.total)
    assert {"type": "null"} == finding.extra["schema"]


def _check_findings(response: httpx.Response) -> list[Finding]:
    """Return the findings of the schema check and those about undocumented properties."""
    from pytest_bctrl.checks.response import response_from

    ours = ("undocumented_property", "response_schema_conformance")
    return [finding for finding in check_response(response_from(response, CONTRACT)) if finding.rule in ours]


@pytest.mark.parametrize("value", [{"anything": {"at": ["all", None]}}, {}, None, {"kind": "cloud", "tenant": 1}])
def test_free_form_metadata_is_never_reported(value: Any) -> None:
    assert [] == drift(sending(edited(put(3, "metadata", value), put(4, "metadata", {str(n): n for n in range(500)}))))


def test_the_space_id_counts_as_a_covered_parameter() -> None:
    """An observed response counts once for `path:id`."""
    observer, _ = observed(sending(edited()))
    assert {(OPERATION.label, "path:id"): 1} == dict(observer.unvalidated.parameters)
