"""The tests of a project that shows its key in every known way; they are copied into a folder and run.

What the threat model excludes is not among them: bytes that bypass Python's text streams are written only where pytest
captures them.
"""

import base64
import dataclasses
import json
import logging
import os
import subprocess
import sys
import unittest
import warnings
from urllib.parse import quote

import pytest

KEY = os.environ["BCTRL_API_KEY"]
CAPTURE = os.environ["CAPTURE"]
log = logging.getLogger("project")


class Unquoted:
    """An object whose repr holds the key without quotes, so that a highlighter splits it."""

    def __repr__(self):
        return f"<Client {KEY} at 0x7f>"


@dataclasses.dataclass
class Settings:
    token: str
    retries: int = 3


def encodings():
    yield KEY
    yield KEY.upper()
    yield KEY.lower()
    yield quote(KEY)
    yield json.dumps({"key": KEY})
    yield base64.b64encode(KEY.encode()).decode()
    yield base64.b64encode(f"Bearer {KEY}".encode()).decode()
    yield base64.b64encode(f"user:{KEY}".encode()).decode()
    yield KEY.encode().hex()
    yield base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("=")


def test_prints():
    for text in encodings():
        print(text)
        print(text, file=sys.stderr)
    pytest.fail("printed")


def test_prints_in_a_passing_test():
    print(KEY)


def test_logs():
    for text in encodings():
        log.debug("debug %s", text)
        log.error("error %s", {"text": text})
    try:
        raise ValueError(KEY)
    except ValueError:
        log.exception("exception")
    pytest.fail("logged")


def test_warns():
    warnings.warn(f"The key {KEY} is old.", stacklevel=1)


def test_fails_with_a_message():
    raise RuntimeError(f"Invalid API key: {KEY}")


def test_fails_with_encodings():
    pytest.fail("\n".join(encodings()))


def test_fails_with_notes_and_causes():
    try:
        raise KeyError(KEY)
    except KeyError as error:
        error.add_note(f"The key was {KEY}.")
        raise RuntimeError([KEY, {"key": KEY}]) from error


def test_fails_with_a_group():
    raise ExceptionGroup("several", [ValueError(KEY), TypeError(Unquoted())])


def test_compares_strings():
    assert KEY == "expected"


def test_compares_long_strings():
    assert "x" * 90 + KEY + "y" * 200 == "x" * 90 + "z" * 200


def test_compares_lists():
    assert [KEY, KEY.upper()] == ["expected", KEY]


def test_compares_dictionaries():
    assert {"token": KEY, "retries": 3} == {"token": KEY + "x", "retries": 4}


def test_compares_data_classes():
    assert Settings(KEY) == Settings(KEY + "x")


def test_compares_objects():
    client = Unquoted()
    assert client is None


def test_compares_unquoted_in_a_sum():
    client = Unquoted()
    assert repr(client) in ("other", client, 7)


def test_has_local_variables():
    key, client, settings, long = KEY, Unquoted(), Settings(KEY), ["x" * 40, KEY, KEY + "x" * 200]
    headers = {"Authorization": f"Bearer {KEY}", "Basic": base64.b64encode(f"user:{KEY}".encode()).decode()}
    assert not (key and client and settings and long and headers)


@pytest.mark.parametrize("cut", range(0, len(KEY), 4))
def test_cuts(cut):
    """A long repr is cut in its middle, at a place that moves through the key."""
    text = "x" * (100 + cut) + KEY + "y" * 200
    assert text == ""


@pytest.mark.parametrize("key", [KEY, KEY.upper()])
def test_is_parametrized(key):
    assert not key


def test_skips():
    pytest.skip(f"without {KEY}")


@pytest.mark.xfail(reason=f"a bug of {KEY}")
def test_is_expected_to_fail():
    raise ValueError(KEY)


@pytest.fixture
def broken():
    print(KEY)
    raise ConnectionError(f"401 for {KEY}")


def test_has_an_error_in_setup(broken):
    """Not reached."""


@pytest.fixture
def broken_at_the_end():
    yield
    print(KEY, file=sys.stderr)
    raise ConnectionError(f"401 for {Unquoted()}")


def test_has_an_error_in_teardown(broken_at_the_end):
    print("ran")


def test_records_properties(record_property):
    record_property("key", KEY)
    record_property("client", str(Unquoted()))


class TestCase(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(KEY, "expected")  # noqa: PT009 - its message has a way of its own

    def test_subtests(self):
        for text in (KEY, KEY.upper()):
            with self.subTest(key=text):
                self.assertEqual(text, "expected")  # noqa: PT009 - see above


@pytest.mark.skipif(CAPTURE == "no", reason="The threat model excludes what -s lets through below the text streams.")
def test_writes_bytes():
    if CAPTURE in ("fd", "sys"):
        sys.stdout.buffer.write(f"{KEY}\n".encode())
        sys.stdout.flush()
    if CAPTURE == "fd":
        os.write(2, f"{KEY}\n".encode())
        subprocess.run([sys.executable, "-c", "import os; print(os.environ['BCTRL_API_KEY'])"], check=True)
    pytest.fail("written")


def test_captures(capsys):
    print(KEY)
    assert capsys.readouterr().out == "expected"


def test_leaves_captured_output(capsys):
    print(KEY)
    pytest.fail("left")
