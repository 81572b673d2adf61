"""Tests with every outcome, which log what they receive: redaction must not change it."""

import io
import logging
import os
import re
import sys
import unittest
import warnings

import pytest

SECRET = os.environ["DRAWN"]
KEPT = []


@pytest.mark.parametrize("value", [SECRET, SECRET.upper(), "other"])
def test_fails(value, request, see):
    see("fails", request.node.name, request.node.nodeid, value)
    assert value == "expected"


@pytest.mark.parametrize("value", [SECRET, "other"])
def test_passes(value, request, see, tmp_path):
    node = request.node
    see("passes", node.name, node.nodeid, node.originalname, node.callspec.id, dict(node.callspec.params), value)
    see("environment", os.environ["PYTEST_CURRENT_TEST"], os.environ["DRAWN"], tmp_path.name)
    print(value)


def test_skips():
    pytest.skip(SECRET)


@pytest.mark.skipif(True, reason=SECRET)
def test_is_skipped():
    """Not reached."""


@pytest.mark.xfail(reason=SECRET)
def test_xfails():
    raise ValueError(SECRET)


@pytest.mark.xfail(reason=SECRET)
def test_xpasses():
    print(SECRET)


@pytest.mark.xfail(reason=SECRET, strict=True)
def test_xpasses_against_a_promise():
    print(SECRET)


@pytest.mark.xfail(raises=KeyError)
def test_fails_otherwise_than_expected():
    raise ValueError(SECRET)


@pytest.fixture
def broken():
    raise ValueError(SECRET, {"key": SECRET}, [SECRET])


@pytest.fixture
def broken_at_the_end():
    yield SECRET
    raise ValueError(SECRET)


def test_has_an_error(broken):
    """Not reached."""


def test_has_an_error_at_the_end(broken_at_the_end, see):
    see("fixture", broken_at_the_end)


def test_fixture_raises(request, see):
    with pytest.raises(ValueError, match=re.escape(SECRET)) as caught:
        request.getfixturevalue("broken")
    see("raised", caught.value.args, str(caught.value), caught.match(re.escape(SECRET)))


@pytest.mark.xdist_group("kept")
class TestKept:
    def test_first(self):
        error = ValueError(SECRET, [SECRET], {SECRET: SECRET})
        error.add_note(SECRET)
        error.attribute = SECRET
        error.__cause__ = KeyError(SECRET)
        KEPT.append(error)
        raise error

    def test_second(self, see):
        for error in KEPT:
            see("kept", error.args, str(error), error.__notes__, error.attribute, error.__cause__.args)
            frames = []
            traceback = error.__traceback__
            while traceback:
                frames.append(traceback.tb_frame.f_code.co_name)
                traceback = traceback.tb_next
            see("kept frames", frames[-1], vars(error).keys())


def test_streams(see):
    see("write", sys.stdout.write(f"{SECRET}\n"), sys.stderr.write(f"{SECRET}\n"), sys.stdout.write(""))
    see("stream", isinstance(sys.stdout, io.TextIOBase), sys.stdout.encoding, sys.stdout.writable())
    sys.stdout.writelines([SECRET, "\n"])
    print(SECRET, file=sys.stdout, flush=True)


def test_captured_output(capsys, see):
    print(SECRET)
    print(SECRET, file=sys.stderr)
    see("capsys", *capsys.readouterr())


def test_captured_descriptors(capfd, see):
    print(SECRET)
    os.write(2, f"{SECRET}\n".encode())
    see("capfd", *capfd.readouterr())


def test_captured_bytes(capsysbinary, see):
    print(SECRET)
    see("capsysbinary", *capsysbinary.readouterr())


def test_captured_log(caplog, see):
    caplog.set_level("DEBUG")
    arguments = {"key": SECRET}
    logging.getLogger(SECRET).warning("%(key)s", arguments)
    record = caplog.records[0]
    see("caplog", caplog.messages, record.getMessage(), record.name, record.args is arguments, caplog.record_tuples)


def test_logs_and_fails():
    logging.getLogger("project").error("%s", SECRET)
    pytest.fail(SECRET)


def test_warnings(see):
    with pytest.warns(UserWarning, match=re.escape(SECRET)) as caught:
        warnings.warn(SECRET, stacklevel=1)
    see("warned", str(caught[0].message), caught[0].message.args)
    warnings.warn(SECRET, stacklevel=1)


def test_properties(request, record_property, see):
    record_property(SECRET, SECRET)
    see("properties", request.node.user_properties)


class LoginTest(unittest.TestCase):
    def test_login(self):
        print(self.id())

    def test_password(self):
        self.assertEqual(SECRET, "expected")  # noqa: PT009

    def test_subtests(self):
        for value in (SECRET, "other"):
            with self.subTest(value=value):
                self.assertEqual(value, "other")  # noqa: PT009
