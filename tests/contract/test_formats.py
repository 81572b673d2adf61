"""Formats are asserted, and no looser than their own specification."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.formats import conforms

ID = "5b1e0c8e-0000-4000-8000-00000000bc71"


@given(st.uuids())
def test_every_uuid_is_one(value: uuid.UUID) -> None:
    assert conforms(str(value), "uuid")


@pytest.mark.parametrize("text", [ID.upper(), "00000000-0000-0000-0000-000000000000", "f" * 8 + ID[8:]])
def test_a_uuid_may_be_of_any_version_and_case(text: str) -> None:
    assert conforms(text, "uuid")


@pytest.mark.parametrize(
    "text",
    ["", ID[:-1], ID + "0", ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", ID + "\n", ID.replace("5", "\u0665")],
)
def test_what_pythons_parser_or_none_takes_is_no_uuid(text: str) -> None:
    assert not conforms(text, "uuid")


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T08:00:05Z", "2026-03-01t08:00:05.5z", "2026-03-01T08:00:05-00:00", "2026-12-31T23:59:60Z"],
)
def test_an_rfc_3339_time_is_a_date_time(text: str) -> None:
    assert conforms(text, "date-time")


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T08:00:05",
        "2026-03-01T08:00Z",
        "2026-03-01T08:00:05,5Z",
        "2026-03-01T08:00:05+02",
        "2026-03-01T08:00:05+0200",
        "20260301T080005Z",
        "2026-02-30T08:00:05Z",
        "2026-03-01 08:00:05Z",
        "2026-03-01",
    ],
)
def test_what_iso_8601_alone_allows_is_no_date_time(text: str) -> None:
    assert not conforms(text, "date-time")


@pytest.mark.parametrize("name", ["uuid", "date-time", "ipv4", "email", "no-such-format"])
@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_a_format_speaks_of_texts_alone(name: str, value: Any) -> None:
    assert conforms(value, name)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("hostname", ["api.example.org", "localhost", "a-1"], ["", "-a", "a_b", "a..b", "a" * 64]),
        ("duration", ["P3W", "P1Y2M3D", "PT1H30M", "P1DT1S"], ["P", "PT", "P1W2D", "1D", "P1.5D"]),
        ("json-pointer", ["", "/", "/a/~0/~1/0"], ["a", "/~", "/~2"]),
    ],
)
def test_a_text_of_another_format_is_held_to_it(name: str, right: list[str], wrong: list[str]) -> None:
    assert (right, []) == ([one for one in right if conforms(one, name)], [one for one in wrong if conforms(one, name)])
