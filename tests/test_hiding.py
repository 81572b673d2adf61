"""A secret is taken out of texts, data and exceptions, in any spelling, and the rest stays as it is."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from time import process_time
from timeit import repeat
from typing import Any

import pytest
from _pytest.reports import TestReport
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.finding import Finding
from pytest_bctrl.hiding import MASK, Hiding
from pytest_bctrl.secret import Secret
from pytest_bctrl.spellings import Value, found_as
from pytest_bctrl.suite.sinks import hide_traces
from tests.recordings.test_secrets import SPELLINGS

KEY = "k3y/with+odd=chars\\and'more"
SPELLED = "pk/Li<ve+\"01\\23'&=x"
EVERY: dict[str, Callable[[str], str]] = {
    **SPELLINGS,
    "hex": lambda text: text.encode().hex(),
    "reversed": lambda text: text[::-1],
}
EVERY |= {"upper": str.upper, "HEX": lambda text: text.encode().hex().upper(), "escapes": lambda text: f"{text!a}"}
EVERY |= {"bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode())}


def hiding(*values: str, is_key: bool = True) -> Hiding:
    hide = Hiding()
    for value in values:
        hide.add(Secret(value), is_key=is_key)
    return hide


@pytest.mark.parametrize("spelling", sorted(EVERY))
def test_it_is_hidden_in_every_spelling_and_its_surroundings_stay(spelling: str) -> None:
    made = hiding(SPELLED)(f"E   before '{EVERY[spelling](SPELLED)}' after\nnext line")
    assert (None, True) == (found_as(made.replace(MASK, ""), Value(SPELLED).wanted), MASK in made)  # type: ignore[arg-type]
    assert ("E   before", "next line") == (made[:10], made[-9:])


def test_the_time_it_takes_grows_with_a_text_and_no_faster() -> None:
    """Each reading is looked through once, a long run of letters too, which could be base64: ten times are not 100."""

    def time_for(letters: int) -> float:
        text = f"path /{'a' * letters}?"
        return min(repeat(lambda: hiding(KEY)(text), timer=process_time, number=1, repeat=5))

    assert time_for(20_000) < 50 * time_for(2_000)


@pytest.mark.parametrize("form", [KEY[:-1], KEY.swapcase(), KEY[: len(KEY) // 2], f"{KEY[:12]}!{KEY[13:]}"])
def test_what_gives_a_key_away_is_hidden_like_it(form: str) -> None:
    assert not {KEY[:9], KEY[-9:]} & set(hiding(KEY)(f"bad credential {form}").split())
    assert form not in hiding(KEY)(f"bad credential {form}")


@pytest.mark.parametrize("value", [SPELLED, "ends with \\", "\\\\\\", "k\u00e9y-\U0001f511"])
@pytest.mark.parametrize("spell", [json.dumps, lambda value: json.dumps(value).replace("/", "\\/")])
def test_json_stays_json(value: str, spell: Callable[[str], str]) -> None:
    made = hiding(value)(f'{{"note": {spell(value)}, "other": 1}}')
    assert {"note": MASK, "other": 1} == json.loads(made)


def test_both_quotes_of_a_secret_are_escaped_in_a_representation() -> None:
    both = 'it\'s-"both"-of-them'
    assert f"a '{MASK}'" == hiding(both, is_key=False)(f"a {both!r}")


@pytest.mark.parametrize("value", ["secret", "hidden", "[secret", "secret hidden"])
def test_a_secret_that_is_a_word_of_the_mask_does_not_hide_the_rest(value: str) -> None:
    assert f"50% of {MASK} and more" == hiding(value)(f"50% of {value} and more")


@pytest.mark.parametrize("value", ["a", "ab", "abc"])
def test_a_very_short_secret_is_hidden_only_where_it_is_plain(value: str) -> None:
    text = f"%61%62%63 {base64.b64encode(value.encode()).decode()} \\u0061\\u0062"
    hide = hiding(value)
    assert (text, f"x{MASK}x", None) == (hide(text), hide(f"x{value}x"), hide.found_as(value))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"'{KEY[:12]}...{KEY[-9:]}'", f"'{MASK}...{MASK}'"),
        (f"'Bearer {KEY[:6]}...xyz'", f"'Bearer {MASK}...xyz'"),
        (f"...{KEY[-9:]}, and so on...", f"...{MASK}, and so on..."),
        (f"{KEY[:3]}...{KEY[-3:]}", f"{KEY[:3]}...{KEY[-3:]}"),
        (f"<{KEY[:20]}[1040 chars]end", f"<{MASK}[1040 chars]end"),
        (f"<{KEY.encode().hex()[:20]}…", f"<{MASK}…"),
        (f"it says {KEY[:20]}", f"it says {MASK}"),
        (f"  (b'x{KEY[:12]}'\n-  b'{KEY[12:]}y')", f"  (b'x{MASK}y')"),
        ("a...b...", "a...b..."),
    ],
)
def test_what_is_left_of_a_secret_that_was_cut_is_hidden_too(text: str, clean: str) -> None:
    made = hiding(KEY)(text)
    assert (clean, []) == (made, [end for end in (KEY[:5], KEY[-5:]) if end in made])


@pytest.mark.parametrize("value", ["http://me:p%40ss-word@proxy.test:8080", "me:p%40ss-word@proxy.test"])
def test_the_password_of_a_proxy_is_a_secret(value: str) -> None:
    hide = Hiding()
    hide.add_environment({"https_proxy": value, "NO_PROXY": "a@b", "HTTP_PROXY": "http://me:xyz@a"})
    basic = base64.b64encode(b"me:p@ss-word").decode()
    assert f"me {MASK} {MASK} {MASK} xyz" == hide(f"me p%40ss-word p@ss-word {basic} xyz")


@dataclass
class Theirs:
    """What is no plain data stays as it is."""

    name: str


def test_every_kind_of_data_is_copied_clean_and_a_report_is_changed_in_place() -> None:
    hide = hiding(KEY)
    theirs = Theirs(KEY)
    data = [{KEY: (KEY, 1, None, {KEY}, KEY.encode(), theirs)}, Finding(KEY, "error", KEY, "message")]
    clean = [{MASK: (MASK, 1, None, {MASK}, MASK.encode(), theirs)}, Finding(MASK, "error", MASK, "message")]
    report = TestReport("a.py::test", ("a.py", 1, "test"), {}, "failed", ("a.py", 1, f"skipped: {KEY}"), "call")
    loop: list[Any] = [KEY]
    loop.append(loop)
    report.user_properties = [("a", loop)]
    held = hide.data(report)
    assert (clean, report) == (hide.data(data), held)
    assert (MASK, KEY) == (str(held.user_properties[0][1])[2:17], loop[0])
    assert "k3y" not in repr(pickle.dumps(vars(report)))


class ShowingError(ValueError):
    """An exception that shows what it holds."""

    def __init__(self, echoed: object) -> None:
        super().__init__("short", echoed)
        self.echoed = [echoed]


class Shows:
    def __repr__(self) -> str:
        return KEY


def test_an_exception_and_what_led_to_it_are_freed_in_place() -> None:
    group = ExceptionGroup("several", [OSError(2, "no file", KEY), ShowingError(Shows())])
    group.add_note(KEY)
    group.__context__ = ShowingError(KEY)
    group.__cause__ = group.__context__
    hiding(KEY).error(group)
    said = [*map(str, group.exceptions), group.__notes__, str(group.__context__), vars(group.__context__)]
    assert ("k3y" in repr(said), repr(said).count(MASK)) == (False, 5)


_JSON = st.recursive(
    st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner)
)


@given(_JSON)
@example(["a...b'\nb'c", "%41"])
def test_data_without_the_secret_stays_as_it_is(value: Any) -> None:
    assert value == hiding("a key that is in no such data").data(value)
    assert value is Hiding().data(value)
    assert hiding("").found_as(repr(value)) is None


def test_a_stream_hides_until_it_is_told_to_end() -> None:
    stream = StringIO()
    end = hiding(KEY).stream(stream)
    print("one", KEY, file=stream)
    end()
    print("two", KEY, file=stream)
    assert f"one {MASK}\ntwo {KEY}\n" == stream.getvalue()


def test_a_trace_that_cannot_be_filtered_is_refused() -> None:
    class Config:
        trace = type("Tracer", (), {"root": object()})

    with pytest.raises(pytest.UsageError, match=r"^bctrl: --debug: the trace cannot be kept free of the key"):
        hide_traces(Config())  # type: ignore[arg-type]
