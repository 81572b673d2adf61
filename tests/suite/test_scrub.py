"""The key is taken out of a report, however deep it is."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from _pytest.reports import TestReport
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.errors import SettingError
from pytest_bctrl.secret import Secret
from pytest_bctrl.suite.scrub import MASK, scrub, scrub_trace, scrubbed
from pytest_bctrl.traffic.recordings.spellings import found_as, sought
from tests.recordings.test_secrets import SPELLINGS

KEY = "k3y/with+odd=chars\\and'more"


def report(**parts: Any) -> TestReport:
    """A report that a test made, with some of its parts changed."""
    made = TestReport("a.py::test", ("a.py", 1, "test"), {}, "failed", None, "call")
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def cleaned(**parts: Any) -> str:
    made = report(**parts)
    scrub(made, Secret(KEY))
    return repr(pickle.dumps(vars(made)))


@pytest.mark.parametrize(
    "parts",
    [
        {"longrepr": f"text {KEY}"},
        {"longrepr": ("a.py", 1, f"skipped: {KEY}")},
        {"sections": [("Captured stdout call", KEY)]},
        {"user_properties": [("a", [{"b": (KEY,)}])]},
        {"user_properties": [("a", {KEY: 1})]},
    ],
)
def test_it_is_nowhere(parts: Any) -> None:
    assert "k3y" not in cleaned(**parts)


@pytest.mark.parametrize("form", ["k3y%2Fwith%2Bodd%3Dchars%5Cand%27more", repr(KEY)[1:-1], f"a{KEY}{KEY}b"])
def test_it_is_known_in_other_forms(form: str) -> None:
    assert "k3y" not in cleaned(longrepr=form)


@pytest.mark.parametrize("form", [KEY[:-1], KEY.swapcase()])
def test_what_gives_it_away_is_hidden_like_it(form: str) -> None:
    assert form not in cleaned(longrepr=f"bad credential {form}")


SPELLED = "pk/Li<ve+\"01\\23'&=x"


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_it_is_hidden_in_every_spelling_and_its_surroundings_stay(spelling: str) -> None:
    made = scrubbed(f"E   before '{SPELLINGS[spelling](SPELLED)}' after\nnext line", Secret(SPELLED))
    assert (None, True) == (found_as(made.replace(MASK, ""), sought(SPELLED)), MASK in made)
    assert ("E   before", "next line") == (made[:10], made[-9:])


@pytest.mark.parametrize("value", [SPELLED, "ends with \\", "\\\\\\", "k\u00e9y-\U0001f511"])
@pytest.mark.parametrize("spell", [json.dumps, lambda value: json.dumps(value).replace("/", "\\/")])
def test_json_stays_json(value: str, spell: Callable[[str], str]) -> None:
    made = scrubbed(f'{{"note": {spell(value)}, "other": 1}}', Secret(value))
    assert {"note": MASK, "other": 1} == json.loads(made)


@pytest.mark.parametrize("value", ["key", "hidden", "[key", "key hidden"])
def test_a_key_that_is_a_word_of_the_mask_does_not_hide_the_rest(value: str) -> None:
    assert f"50% of {MASK} and more" == scrubbed(f"50% of {value} and more", Secret(value))


@pytest.mark.parametrize("value", ["a", "ab", "abc"])
def test_a_very_short_key_is_hidden_only_where_it_is_plain(value: str) -> None:
    text = f"%61%62%63 {base64.b64encode(value.encode()).decode()} \\u0061\\u0062"
    assert text == scrubbed(text, Secret(value))


def test_a_failures_own_traceback_with_local_variables_is_clean(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        f"""
        import pytest
        from pytest_bctrl.secret import Secret
        from pytest_bctrl.suite.scrub import scrub

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            scrub(report, Secret({KEY!r}))
            return report
        """
    )
    pytester.makepyfile(f"def test_a():\n    key = {KEY!r}\n    print(key)\n    assert key == {KEY!r} * 2, key\n")
    result = pytester.runpytest("--showlocals", "--tb=long", "-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(failed=1)
    assert (True, False) == (MASK in result.stdout.str(), "k3y" in result.stdout.str())


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"'{KEY[:12]}...{KEY[-9:]}'", f"'{MASK}...{MASK}'"),
        (f"'Bearer {KEY[:6]}...xyz'", f"'Bearer {MASK}...xyz'"),
        (f"...{KEY[-9:]}, and so on...", f"...{MASK}, and so on..."),
        (f"{KEY[:3]}...{KEY[-3:]}", f"{KEY[:3]}...{KEY[-3:]}"),
        ("a...b...", "a...b..."),
    ],
)
def test_the_ends_of_a_key_that_pytest_shortened_are_hidden_too(text: str, clean: str) -> None:
    made = report(longrepr=text)
    scrub(made, Secret(KEY))
    assert clean == made.longrepr


_JSON = st.recursive(
    st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner)
)


@given(_JSON)
def test_data_without_the_key_stays_as_it_is(value: Any) -> None:
    made = report(user_properties=[("a", value)])
    before = repr(value)
    scrub(made, Secret("a key that is in no such data"))
    assert before == repr(made.user_properties[0][1])


def test_a_report_that_holds_itself_comes_to_an_end() -> None:
    loop: list[Any] = [KEY]
    loop.append(loop)
    made = report(user_properties=loop)
    scrub(made, Secret(KEY))
    assert MASK == loop[0]


def test_a_trace_that_cannot_be_filtered_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"^--debug: the trace cannot be kept free of the key \(run without --debug\)"
    ):
        scrub_trace(object(), Secret(KEY))


def test_logs_of_a_run_without_pytests_logging_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest("--bctrl-mock", "-p", "no:logging", "-m", "not bctrl_contract").assert_outcomes(
        passed=1, deselected=36
    )


def test_an_empty_key_changes_nothing() -> None:
    made = report(longrepr="text")
    scrub(made, Secret(""))
    assert "text" == made.longrepr
