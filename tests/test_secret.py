"""No conversion of a secret shows its value, except `reveal`."""

from __future__ import annotations

import copy
import json
import operator
import pickle
import pprint
import traceback
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.secrets.secret import Secret

_VALUES = st.text(st.characters(codec="ascii", min_codepoint=48, max_codepoint=122), min_size=12)
"""Hypothesis takes some of them from the source, so that they may also be in the texts of another secret."""

SHOWN: dict[str, Callable[[Secret], object]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s} {secret:>40}",
    "format": lambda secret: f"{secret} {secret:10}",
    "percent": lambda secret: operator.mod("%s %r", (secret, secret)),
    "container": lambda secret: repr([secret, {"a": secret}, (secret,)]),
    "pprint": pprint.pformat,
    "dir": dir,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": lambda secret: copy.deepcopy([secret]),
    "json": lambda secret: json.dumps(secret, default=str),
}


@pytest.mark.parametrize("conversion", SHOWN)
@given(value=_VALUES)
def test_no_conversion_to_text_shows_the_value(conversion: str, value: str) -> None:
    assume(value not in repr(SHOWN[conversion](Secret("another value"))))
    assert value not in repr(SHOWN[conversion](Secret(value)))


@given(_VALUES)
def test_a_traceback_with_local_variables_shows_no_value(value: str) -> None:
    assert value not in _traceback_text(Secret(value))


def _traceback_text(secret: Secret) -> str:
    """Return the traceback of an error about a secret, with local variables."""
    container = {"key": secret, "all": [secret]}
    try:
        raise ValueError(secret, container)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("again", [lambda secret: pickle.loads(pickle.dumps(secret)), copy.copy, copy.deepcopy])
def test_a_copied_or_pickled_secret_has_lost_its_value(again: Callable[[Secret], Secret]) -> None:
    with pytest.raises(BctrlError, match="lost its value"):
        again(Secret("a")).reveal()


@given(st.text(st.characters(exclude_categories=["Cs"])), _VALUES)
def test_secrets_compare_and_convert_to_bool_like_their_values(first: str, second: str) -> None:
    """They never equal a string and have no hash."""
    assert (first, bool(first)) == (Secret(first).reveal(), bool(Secret(first)))
    assert (True, first == second) == (Secret(first) == Secret(first), Secret(first) == Secret(second))
    assert Secret(first) != first
    with pytest.raises(TypeError):
        hash(Secret(first))
