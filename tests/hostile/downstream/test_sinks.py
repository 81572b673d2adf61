"""A test for each output that can show a text."""

import logging
import os
import subprocess
import sys
import threading
import unittest
import warnings

import pytest
from echoed import echoed

LOG = logging.getLogger("mine")


class Shown:
    def __init__(self, sink):
        self.sink = sink

    def __repr__(self):
        return echoed(self.sink)


class Broken:
    """An object whose destructor raises. It is in no cycle, which Python 3.11 may free while parsing (gh-106905)."""

    def __init__(self, sink):
        self.sink = sink

    def __del__(self):
        raise ValueError(echoed(self.sink))


def raises(error):
    raise error


def test_printed():
    """Print the secret to both streams, from a subprocess and a file descriptor, and fail."""
    print(echoed("stdout"))
    print(echoed("stderr"), file=sys.stderr)
    sys.stdout.writelines([echoed("lines"), "\n"])
    subprocess.run([sys.executable, "-c", "import sys; print(sys.argv[1])", echoed("process")], check=True)
    os.write(2, echoed("descriptor").encode())
    raises(AssertionError)


def test_logged():
    """Log the secret as message, argument and exception, and fail."""
    LOG.warning(echoed("log"))
    LOG.error("with %s", echoed("log-argument"))
    try:
        raises(ValueError(echoed("log-exception")))
    except ValueError:
        LOG.exception("it failed")
    raises(AssertionError)


def test_warned():
    """Warn with the secret, and raise it in a thread and in a destructor."""
    warnings.warn(echoed("warning"), stacklevel=1)
    thread = threading.Thread(target=raises, args=[ValueError(echoed("thread"))])
    thread.start()
    thread.join()
    Broken("destructor")


def test_message():
    """The message of an assertion has the secret."""
    assert not echoed, echoed("message")


def test_compared():
    """An assertion compares the secret with another text."""
    assert "x" == echoed("comparison")


def test_compared_bytes():
    """An assertion compares the secret, as bytes, with others."""
    assert b"x" == echoed("bytes").encode()


def test_contained():
    """An assertion searches in a list and a mapping with the secret."""
    assert "something else" in [echoed("list"), {"key": echoed("dict")}]


def test_local_variable():
    """Fail with the secret in local variables."""
    variable = echoed("local")
    environment = {"name": Shown("local-object")}
    raises(ValueError(len(variable) + len(environment)))


def test_noted():
    """Raise an exception whose note and cause have the secret."""
    error = ValueError("short")
    error.add_note(echoed("note"))
    raise error from KeyError(echoed("cause"))


def test_context():
    """Raise an exception while another one, with the secret, is handled."""
    try:
        raises(OSError(2, "no such file", echoed("context")))
    finally:
        raises(AttributeError(Shown("argument")))


def test_group():
    """Raise an exception group whose members have the secret."""
    raise ExceptionGroup(echoed("group"), [ValueError(echoed("in-group"))])


def test_failed():
    """`pytest.fail` with the secret."""
    pytest.fail(echoed("fail"))


def test_failed_shortly():
    """`pytest.fail` with the secret, without a traceback."""
    pytest.fail(echoed("fail-shortly"), pytrace=False)


def test_skipped():
    """`pytest.skip` with the secret."""
    pytest.skip(echoed("skip"))


def test_xfailed():
    """`pytest.xfail` with the secret."""
    pytest.xfail(echoed("xfail"))


@pytest.mark.skip(reason=echoed("skip-mark"))
def test_skip_mark():
    """It is skipped; the reason of the mark has the secret."""


@pytest.mark.xfail(reason=echoed("xfail-mark"))
def test_xfail_mark():
    """It fails as expected; the reason of the mark has the secret."""
    raises(AssertionError)


@pytest.mark.xfail(reason=echoed("xpass-strict"), strict=True)
def test_xpass_strict():
    """It passes unexpectedly, which is a failure; the reason of the mark has the secret."""


@pytest.mark.xfail(reason=echoed("xpass"))
def test_xpass():
    """It passes unexpectedly; the reason of the mark has the secret."""


def test_recorded(record_property, record_xml_attribute):
    """Record properties and an attribute for JUnit that have the secret."""
    record_property("one", echoed("property"))
    record_property(echoed("property-name"), 1)
    record_xml_attribute("two", echoed("attribute"))


def test_recorded_for_all(record_testsuite_property):
    """Record a property of the test suite that has the secret."""
    record_testsuite_property("three", echoed("suite-property"))


def test_recorded_deeply(record_property):
    """Record a property whose value has the secret inside."""
    record_property("deep", [{"in": (echoed("deep-property"), None)}])


@pytest.mark.parametrize("value", [echoed("parameter")])
def test_parameter(value):
    """Fail with the secret as a parameter."""
    raises(AssertionError)


@pytest.mark.parametrize("value", [1], ids=[echoed("id")])
def test_id(value):
    """Fail with the secret in the id of the test."""
    raises(AssertionError)


@pytest.fixture
def broken():
    raise ValueError(echoed("fixture"))


def test_fixture(broken):
    """It is not run, because its fixture fails with the secret."""


@pytest.fixture
def left():
    yield
    print(echoed("teardown-output"))
    raise ValueError(echoed("teardown"))


def test_teardown(left):
    """It passes, and its fixture fails with the secret at teardown."""


def test_section():
    """Fail in a test to whose report a hook adds the secret."""
    raises(AssertionError)


def test_added_section(request):
    """Add a section with the secret to the report, and fail."""
    request.node.add_report_section("call", "mine", echoed("added-section"))
    raises(AssertionError)


def test_subtests(subtests):
    """Fail in subtests whose names, messages, output and log have the secret."""
    with subtests.test(echoed("subtest")):
        raises(ValueError(echoed("in-subtest")))
    with subtests.test(keyword=echoed("subtest-keyword")):
        print(echoed("subtest-output"))
        LOG.error(echoed("subtest-log"))
        raises(AssertionError)


class TestCase(unittest.TestCase):
    def test_subtest(self):
        """Fail and skip in a subtest of unittest, with the secret."""
        with self.subTest(echoed("case-subtest"), keyword=echoed("case-keyword")):
            self.fail(echoed("in-case"))
        self.skipTest(echoed("case-skip"))

    def test_case(self):
        """Compare the secret by `assertEqual`."""
        self.assertEqual("x", echoed("case-comparison"))  # noqa: PT009 - it cuts what it shows


class TestSetup:
    @classmethod
    def setup_class(cls):
        raise ValueError(echoed("setup-class"))

    def test_it(self):
        """It is not run, because the setup of its class fails with the secret."""
