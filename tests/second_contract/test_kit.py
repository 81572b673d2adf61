"""The mock, client, recordings, samples, strategies, `drift` and `check` with the contract of the bookshop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_bctrl.cli import main
from pytest_bctrl.conformance import check
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.samples.inputs import responds_with_json
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.strategies import Nonconforming, nonconforming, responses
from tests.mock.strength import undetected_mutants

from .conftest import BOOKSHOP, CREDENTIALS
from .shop import KEY, book, serve

DOWNSTREAM = """
    import pytest
    from pytest_bctrl import assert_conforms

    def test_lists(bctrl_client, bctrl_contract):
        for path in ("/v2/books?shelf=fiction", "/v2/books/featured", "/v2/stock", "/v2/genres", "/v2/categories/7"):
            response = bctrl_client.get(path)
            assert response.status_code == 200, response.text
            assert ("shelf" in path) == ("X-Total-Count" in response.headers)
            assert_conforms(response, contract=bctrl_contract, fail_on="info")

    def test_statuses(bctrl_client):
        paths = ["/v2/books", "/v2/books?shelf=poetry", "/v2/books?shelf=science&limit=0", "/v2/books/9790000000000"]
        assert [400, 400, 400, 200] == [bctrl_client.get(path).status_code for path in paths]
        assert "9790000000000" == bctrl_client.get("/v2/books/9790000000000").json()["isbn"]
        assert 204 == bctrl_client.get("/v2/health").status_code
        assert (200, b"") == ((head := bctrl_client.head("/v2/books/9780306406157")).status_code, head.content)

    @pytest.mark.bctrl_scenario("many", count=120)
    def test_scenario(bctrl_client):
        page = bctrl_client.get("/v2/books?shelf=fiction&limit=50").json()
        pages = [page, *(page := bctrl_client.get(page["next"]).json() for _ in range(2))]
        assert [(50, 3), (50, 3), (20, 3)] == [(len(page["books"]), page["pages"]) for page in pages]
        assert pages[-1]["next"] is None
        assert 120 == len(bctrl_client.get("/v2/genres").json())

    def test_fault(bctrl_client, bctrl_mock, bctrl_contract):
        bctrl_mock.fault("break_rule", "*.copies")
        with pytest.raises(AssertionError, match="copies"):
            assert_conforms(bctrl_client.get("/v2/stock"), contract=bctrl_contract)
"""

RECORDED = """
    import pytest

    @pytest.mark.bctrl_recording
    def test_recorded(bctrl_client):
        shelves = [bctrl_client.get("/v2/books", params={"shelf": shelf}) for shelf in ("fiction", "science")]
        assert [200, 200] == [shelf.status_code for shelf in shelves]
        assert 200 == bctrl_client.get("/v2/stock").status_code
"""


def test_a_project_can_test_against_the_bookshop_mock(pytester: pytest.Pytester) -> None:
    """Four tests of a project with that contract pass."""
    pytester.makeini(f"[pytest]\nbctrl_contract = {BOOKSHOP}\n")
    pytester.makepyfile(DOWNSTREAM)

    pytester.runpytest().assert_outcomes(passed=4)


def test_the_bookshop_is_recorded_replayed_and_checked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recorded live, replayed without a key and a server; the key in its custom header is not recorded."""
    pytester.makeini(f"[pytest]\nbctrl_contract = {BOOKSHOP}\n{CREDENTIALS}")
    pytester.makepyfile(test_shop=RECORDED)
    with serve() as shop:
        monkeypatch.setenv("BCTRL_API_KEY", KEY)
        monkeypatch.setenv("BCTRL_SPACE_ID", "none")
        recording = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={shop.url}", "--bctrl-record-mode=once")
    recording.assert_outcomes(passed=1)
    monkeypatch.delenv("BCTRL_API_KEY")
    pytester.runpytest().assert_outcomes(passed=1)
    (har,) = (pytester.path / "recordings").rglob("*.har")
    assert KEY not in har.read_text("utf-8")
    assert 0 == main(["check", str(har), "--contract", str(BOOKSHOP)])
    assert "no findings" in capsys.readouterr().out


def test_bodies_are_checked_by_operation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check --operation getBook` exits with 0 or, for a wrong ISBN, 1; without the operation, it exits with 2."""
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(json.dumps(book(0)))
    wrong.write_text(json.dumps(book(0, isbn="123")))
    arguments = ["--contract", str(BOOKSHOP), "--operation", "getBook"]

    assert [0, 1] == [main(["check", str(path), *arguments]) for path in (right, wrong)]
    assert 2 == main(["check", str(right), "--contract", str(BOOKSHOP)])
    assert "--operation, one of: listBooks, addBook, getBook" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("version: 2.4.0", "version: 2.5.0", 0),
        ("maximum: 100", "maximum: 50", 1),
        ("required: [code, label]", "required: [code]", 1),
        ("enum: [fiction, science, children]", "enum: [fiction, science, children, poetry]", 0),
    ],
)
def test_the_gate_compares_the_bookshop_contract(tmp_path: Path, old: str, new: str, code: int) -> None:
    """The exit code of `drift` for a changed version, limit, required property or enum."""
    now = tmp_path / "now.yaml"
    text = BOOKSHOP.read_text("utf-8")
    assert old in text
    now.write_text(text.replace(old, new))

    assert code == main(["drift", str(now), "--base", str(BOOKSHOP)])


@pytest.mark.parametrize(
    "operation", [operation.operation_id for operation in load(BOOKSHOP).operations if responds_with_json(operation)]
)
def test_samples_of_the_bookshop_conform_and_every_mutant_is_detected(bookshop: Contract, operation: str) -> None:
    """So it is for each operation with a JSON response; generated bodies break only the rules of its path values."""
    bodies = Samples(bookshop, bookshop.operation(operation)).run(seed=7, bodies=12)

    assert [] == undetected_mutants(bookshop, bookshop.operation(operation), least=30)
    assert [] == [
        finding
        for body in bodies
        for finding in check(encode(body), contract=bookshop, operation=operation)
        if finding.rule not in ("isbn_matches", "category_matches")
    ]


@given(data=st.data())
@settings(max_examples=25)
def test_strategies_of_the_bookshop_conform(data: st.DataObject) -> None:
    contract = load(BOOKSHOP)
    for operation in ("listBooks", "listGenres"):
        body = data.draw(responses(contract=contract, operation=operation, max_size=3))
        assert [] == check(encode(body), contract=contract, operation=operation)


@given(case=nonconforming(contract=load(BOOKSHOP)))
@settings(max_examples=15)
def test_nonconforming_bookshop_bodies_violate_their_rule(case: Nonconforming) -> None:
    rule, _, body = case
    assert [rule] == [finding.rule for finding in check(encode(body), contract=load(BOOKSHOP), operation="listBooks")]
