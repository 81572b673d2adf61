"""ISO 8601 times are parsed; other texts are not, even if Python accepts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.iso_time import is_before, parse_time

_ZONES = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=_ZONES))
def test_isoformat_output_is_parsed(moment: datetime) -> None:
    assert moment == parse_time(moment.isoformat())


@given(st.text())
def test_any_text_yields_a_datetime_or_none(text: str) -> None:
    assert isinstance(parse_time(text), datetime | None)


MOMENT = datetime(2026, 3, 1, 8, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T08:00:05Z", MOMENT),
        ("2026-03-01t08:00:05z", MOMENT),
        ("2026-03-01T08:00:05+00:00", MOMENT),
        ("2026-03-01T09:30:05+01:30", MOMENT),
        ("2026-03-01T10:00:05+02", MOMENT),
        ("2026-03-01T10:00:05+0200", MOMENT),
        ("2026-03-01T08:00:05.000000000Z", MOMENT),
        ("2026-03-01T08:00:05,5Z", MOMENT.replace(microsecond=500_000)),
        ("2026-03-01T08:00Z", MOMENT.replace(second=0)),
        ("2026-03-01T23:59:60Z", datetime(2026, 3, 1, 23, 59, 59, 999_999, UTC)),
        ("2026-03-02T05:29:60.5+05:30", datetime(2026, 3, 1, 23, 59, 59, 999_999, UTC)),
        ("2026-03-01T08:00:60", datetime(2026, 3, 1, 8, 0, 59, 999_999)),
        ("2026-03-01T08:00:05-00:00", MOMENT),
        ("2026-03-01T08:00:05", MOMENT.replace(tzinfo=None)),
    ],
)
def test_iso_8601_times_are_parsed(text: str, expected: datetime) -> None:
    assert expected == parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1772352005",
        "2026-03-01",
        "2026-03-01 08:00:05Z",
        "2026-03-01T08:00:05 Z",
        "2026-03-01T08:00:05Z\n",
        " 2026-03-01T08:00:05Z",
        "2026-3-1T8:0:5Z",
        "2026-02-29T08:00:05Z",
        "2026-13-01T08:00:05Z",
        "2026-03-01T25:00:05Z",
        "2026-03-01T08:60:05Z",
        "2026-03-01T08:00:61Z",
        "2026-03-01T08:00:05+25:00",
        "2026-03-01T08:00:05.Z",
        "2026-03T08:00:05Z",
        "20260301T080005Z",
        "2026-W09-7T08:00:05Z",
        "2026-060T08:00:05Z",
        "2026-03-01T08Z",
        "2026-03-01T08:00.25Z",
        "2026-03-01T23:60:60Z",
        "2026-03-01T24:01Z",
        "2026-03-01T08:00:60Z",
        "2026-03-01T22:59:60Z",
        "2026-03-01T23:59:60+01:00",
        "2026-03-01T08:00:05+01:60",
        "2026-03-01T08:00:05+01:",
        "9999-12-31T24:00Z",
        "0000-03-01T08:00:05Z",
        "\uff12\uff10\uff12\uff16-03-01T08:00:05Z",
        "Sun, 01 Mar 2026 08:00:05 GMT",
    ],
)
def test_parse_time_returns_none_for_texts_that_are_not_iso_8601_times(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:01Z", True),
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z", False),
        ("2026-03-01T09:00:00+02:00", "2026-03-01T08:00:00Z", True),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z", False),
        ("2026-03-01T08:00:00.1234567Z", "2026-03-01T08:00:00.1234568Z", True),
        ("2026-03-01T08:00:00.123456Z", "2026-03-01T08:00:00.1234561Z", True),
        ("2026-03-01T08:00:00.1234560Z", "2026-03-01T08:00:00.123456Z", False),
        ("2026-03-01T08:00:00.1234567Z", "2026-03-01T08:00:00.12345670Z", False),
        ("2026-03-01T08:00:00,123456788Z", "2026-03-01T08:00:00.123456789Z", True),
        ("2026-03-01T08:00:00", "2026-03-02T07:00:00Z", False),
        ("2026-03-01T08:00:00", "2026-03-02T08:00:01Z", True),
        ("2026-03-01T08:00:00Z", "2026-03-02T08:00:01", True),
        ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59", True),
        ("9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00", False),
        ("2026-03-01T23:59:59.5Z", "2026-03-01T23:59:60Z", True),
        ("2026-03-01T23:59:60.5Z", "2026-03-02T00:00:00Z", True),
        ("2026-03-02T00:00:00Z", "2026-03-01T23:59:60.5Z", False),
        ("yesterday", "2026-03-01T08:00:00Z", False),
        ("2026-03-01T08:00:00Z", "tomorrow", False),
    ],
)
def test_is_before_compares_times_with_and_without_offset(first: str, second: str, expected: bool) -> None:
    assert expected is is_before(first, second)
