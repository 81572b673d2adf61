"""The contract suite on an API that it was not written for: its mock, and an independent server."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.findings.finding import Level
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings.secret_settings import SchemeValue
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from tests.run_probes import run_probes

from .conftest import BOOKSHOP, ShopRun
from .shop import KEY, serve


def test_the_mock_of_the_bookshop_passes(pytester: pytest.Pytester) -> None:
    """Every operation is requested, also those with unsafe methods."""
    result = pytester.runpytest("--bctrl-mock", f"--bctrl-contract={BOOKSHOP}")

    assert (0, 0) == (result.ret, result.parseoutcomes().get("failed", 0))
    result.stdout.fnmatch_lines(
        [
            "checked * 10 operations: GET /v2/books, POST /v2/books, GET /v2/books/{isbn}, …, *",
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
    "price as text": ("GET /v2/books", ("error", "response_schema_conformance", "books[*].price.amount")),
    "rating between": ("GET /v2/books", ("error", "response_schema_conformance", "books[*].rating")),
    "no such day": ("GET /v2/books", ("error", "response_schema_conformance", "books[*].published")),
    "odd edition": ("GET /v2/books", ("error", "response_schema_conformance", "books[*].edition.medium")),
    "empty title": ("GET /v2/books", ("error", "response_schema_conformance", "books[*].titles.de")),
    "undocumented property": ("GET /v2/books", ("warning", "undocumented_property", "books[*].subtitle")),
    "book twice": ("GET /v2/books", ("error", "books_once", "books[*].isbn")),
    "another book": ("GET /v2/books/{isbn}", ("error", "isbn_matches", "isbn")),
    "every isbn": ("GET /v2/books/{isbn}", ("warning", "status_code_conformance", "status")),
    "deep text": (
        "GET /v2/categories/{category}",
        ("error", "response_schema_conformance", "below[*].below[*].number"),
    ),
    "open stock": ("GET /v2/stock", ("error", "ignored_auth", "credential: no header")),
    "any token": ("GET /v2/books", ("error", "ignored_auth", "credential: no header")),
    "genre twice": ("GET /v2/genres", ("warning", "codes_once", "[*].code")),
    "no count": ("GET /v2/books", ("error", "response_headers_conformance", "header X-Total-Count")),
    "count in words": ("GET /v2/books", ("error", "response_headers_conformance", "header X-Total-Count")),
    "unhealthy": ("GET /v2/health", ("error", "not_a_server_error", "status")),
    "shelf optional": ("GET /v2/books", ("error", "negative_data_rejection", "query shelf")),
    "any limit": ("GET /v2/books", ("error", "negative_data_rejection", "query limit")),
    "no validation": ("GET /v2/books", ("error", "negative_data_rejection", "query tag")),
    "tags crash": ("GET /v2/books", ("error", "not_a_server_error", "status")),
    "last book on both pages": ("GET /v2/books", ("error", "repeated_item", "books[*].isbn")),
    "first book of a page lost": ("GET /v2/books", ("error", "lost_item", "books[*].isbn")),
    "always a next page": ("GET /v2/books", ("error", "endless_paging", "next")),
    "limit ignored": ("GET /v2/books", ("warning", "ignored_page_size", "query limit")),
    "sort rejected": ("GET /v2/books", ("error", "positive_data_acceptance", "query sort")),
}
"""For each fault, the operation that has it, and the level, rule and location of a finding."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_bookshop_has_its_finding(bookshop: Contract, fault: str) -> None:
    """The findings for its operation include its level, rule and location."""
    label, expected = FAULTS[fault]
    # A fault shows in the first requests of each kind.
    reported = reported_findings(bookshop, fault, max_examples=5, only=bookshop.operation(label))

    assert expected in reported


def test_a_bookshop_without_a_fault_has_no_findings(bookshop: Contract) -> None:
    """No operation has one, with all examples."""
    assert set() == reported_findings(bookshop, "", max_examples=20)


def reported_findings(
    bookshop: Contract, fault: str, max_examples: int, only: Operation | None = None
) -> set[tuple[Level, str, str]]:
    """Return level, rule and location of each finding for a shop with a fault, of all operations or only one."""
    with serve(fault) as shop:
        shop_key = {"shopKey": SchemeValue(Secret(KEY), "$BCTRL_API_KEY", "$BCTRL_API_KEY")}
        run = ContractRun("live", bookshop, shop.url, Secret(KEY), max_examples=max_examples, scheme_values=shop_key)
        target = Target(run)
        findings = run_probes(target, only=only)
        target.close()
    return {(finding.level, finding.rule, finding.location) for finding in findings}
