"""The contract suite on an API that it was not written for: its mock, and an independent server."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.run_probes import run_probes
from pytest_bctrl.suite.sending.target import Target

from .conftest import BOOKSHOP, ShopRun
from .shop import KEY, serve


def test_the_mock_of_the_bookshop_passes(pytester: pytest.Pytester) -> None:
    """Every operation with a safe method is requested, and the others are listed."""
    result = pytester.runpytest("--bctrl-mock", f"--bctrl-contract={BOOKSHOP}")

    assert (0, 0) == (result.ret, result.parseoutcomes().get("failed", 0))
    result.stdout.fnmatch_lines(
        [
            "checked * 8 operations: GET /v2/books, GET /v2/books/{isbn}, HEAD /v2/books/{isbn}, …: *",
            "not checked  POST /v2/books: POST could change something, and the suite sends safe methods only",
            "not checked  DELETE /v2/books/{isbn}: DELETE could change something, *",
            "passed *No findings; *",
        ]
    )


def test_a_conforming_bookshop_passes_and_gets_only_expected_requests(live: ShopRun) -> None:
    """They are GET and HEAD; the key is in the documented header for `/stock`, and not sent to public operations."""
    with serve() as shop:
        result = live(shop, "--bctrl-fail-on=info")

    result.stdout.fnmatch_lines(
        ["bctrl: note: BCTRL_SPACE_ID is not used: no operation of the contract is about a space"]
    )

    assert (0, 0) == (result.ret, result.parseoutcomes().get("failed", 0))
    assert {"GET", "HEAD"} == {method for method, _, _ in shop.requests}
    public = [headers for _, path, headers in shop.requests if "/v2/genres" in path or "/v2/books/" in path]
    stock = [headers for method, path, headers in shop.requests if "/v2/stock" in path]
    assert public
    assert [] == [headers for headers in public if "authorization" in headers or "x-shop-key" in headers]
    assert KEY in [headers.get("x-shop-key") for headers in stock]
    assert [] == [headers for headers in stock if "authorization" in headers]


def test_a_failure_has_a_command_that_reproduces_it(live: ShopRun) -> None:
    """The command has the key header of the operation with a wrong key; the output never has the key."""
    with serve("open stock") as shop:
        result = live(shop, "-k", "getStock and wrong-key")

    assert 1 == result.ret
    result.stdout.fnmatch_lines([f'*reproduce curl -sS -i -H "X-Shop-Key: not-a-key-of-this-api" {shop.url}/v2/stock'])
    assert KEY not in result.stdout.str()


FAULTS = {
    "": set(),
    "price as text": {("error", "response_schema_conformance", "books[*].price.amount")},
    "rating between": {("error", "response_schema_conformance", "books[*].rating")},
    "no such day": {("error", "response_schema_conformance", "books[*].published")},
    "odd edition": {("error", "response_schema_conformance", "books[*].edition.medium")},
    "empty title": {("error", "response_schema_conformance", "books[*].titles.de")},
    "undocumented property": {("warning", "undocumented_property", "books[*].subtitle")},
    "book twice": {("error", "books_once", "books[*].isbn")},
    "another book": {("error", "isbn_matches", "isbn")},
    "every isbn": {("warning", "status_code_conformance", "status")},
    "deep text": {("error", "response_schema_conformance", "below[*].below[*].number")},
    "open stock": {("error", "ignored_auth", "credential: no header")},
    "any token": {("error", "ignored_auth", "credential: no header")},
    "genre twice": {("warning", "codes_once", "[*].code")},
    "no count": {("error", "response_headers_conformance", "header X-Total-Count")},
    "count in words": {("error", "response_headers_conformance", "header X-Total-Count")},
    "unhealthy": {("error", "not_a_server_error", "status")},
    "shelf optional": {("error", "negative_data_rejection", "query shelf")},
    "any limit": {("error", "negative_data_rejection", "query limit")},
    "no validation": {("error", "negative_data_rejection", "query tag")},
    "tags crash": {("error", "not_a_server_error", "status")},
    "last book on both pages": {("error", "repeated_item", "books[*].isbn")},
    "first book of a page lost": {("error", "lost_item", "books[*].isbn")},
    "always a next page": {("error", "endless_paging", "next")},
    "limit ignored": {("warning", "ignored_page_size", "query limit")},
    "sort rejected": {("error", "positive_data_acceptance", "query sort")},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_bookshop_has_its_finding(bookshop: Contract, fault: str) -> None:
    """The findings include its level, rule and location; without a fault there are none."""
    with serve(fault) as shop:
        # Without a fault, more examples are sent; a fault shows in the first of each kind.
        run = ContractRun("live", bookshop, shop.url, Secret(KEY), {}, "error", max_examples=5 if fault else 20)
        target = Target(run)
        reported = {(finding.level, finding.rule, finding.location) for finding in run_probes(target)}
        target.close()

    assert FAULTS[fault] <= reported
    assert bool(FAULTS[fault]) == bool(reported)
