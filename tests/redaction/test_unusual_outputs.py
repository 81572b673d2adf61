"""Outputs of few runs: errors before any test, doctests, subtests, durations, `pytest.exit`, wrong arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.redaction.fragments import assert_unrecognisable
from tests.redaction.runs import random_key

FILES = {
    "pytest.ini": "[pytest]\n",
    "module.py": '''
        """
        >>> import os
        >>> os.environ["BCTRL_API_KEY"]
        'another'
        >>> raise ValueError(os.environ["BCTRL_API_KEY"])
        1
        """
    ''',
    "test_error.py": 'import os\nraise RuntimeError("collecting " + os.environ["BCTRL_API_KEY"])\n',
    "test_syntax.py": 'import os\nexec("x = = \'" + os.environ["BCTRL_API_KEY"] + "\'")\n',
    "test_many.py": """
        import logging, os, sys, time, traceback, unittest, warnings
        import pytest

        KEY = os.environ["BCTRL_API_KEY"]

        class TestCase(unittest.TestCase):
            def test_subtests(self):
                for number in range(2):
                    with self.subTest(key=KEY, number=number):
                        self.assertEqual(KEY, number)

            def test_lines(self):
                self.assertMultiLineEqual(f"a\\n{KEY}", "a\\nb")

            @unittest.skip(f"skipped {KEY}")
            def test_skipped(self):
                pass

        def test_traceback():
            try:
                raise ValueError(KEY)
            except ValueError:
                traceback.print_exc()
            assert 0

        @pytest.mark.parametrize("key", [KEY], ids=[KEY])
        def test_slow(key):
            time.sleep(0.02)

        def test_warnings():
            warnings.warn_explicit(f"the key {KEY}", UserWarning, f"{KEY}.py", 3)

        def test_finaliser(request):
            def finish():
                raise ValueError(f"finished {KEY}")
            request.addfinalizer(finish)

        def test_recursion():
            def call(key):
                return call(key)
            call(KEY)

        def test_pieces():
            sys.stdout.writelines([KEY[:10], KEY[10:], "\\n"])
            assert 0

        def test_logs():
            logging.getLogger(KEY).error("of a logger")
            logging.error("of a wrong format %d", KEY)
            assert 0

        def test_missing():
            pytest.importorskip(f"missing_{KEY}")
    """,
    "stops.py": 'import os, pytest\ndef test_stops():\n    pytest.exit("stopped " + os.environ["BCTRL_API_KEY"])\n',
}
LOGS = ["--log-file=log.txt", "--junitxml=junit.xml", "-o", "junit_logging=all", "--debug=debug.log"]
RUNS = {
    "all": ["-vv", "-l", "-rA", "--durations=0", "--durations-min=0", "--doctest-modules", *LOGS],
    "native": ["--tb=native", "--color=yes", "--continue-on-collection-errors", "--log-level=DEBUG"],
    "workers": ["-n2", "-rA", "--tb=short", "--continue-on-collection-errors"],
    "stopped": ["stops.py", *LOGS],
    "keyword": ["-k=KEY and (", "test_many.py"],
    "node id": ["test_many.py::test_KEY"],
    "setting": ["-o", "bctrl_rate=KEY", "--bctrl-mock", "--bctrl-contract=KEY.yaml"],
}


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """Return the folder of a project that shows its key."""
    for name, text in FILES.items():
        pytester.makefile(Path(name).suffix, **{Path(name).stem: text})
    return pytester.path


def assert_redacted(pytester: pytest.Pytester, key: str, arguments: list[str]) -> None:
    """Run pytest, and raise `AssertionError` if the key is recognisable in anything that it writes."""
    result = pytester.runpytest_subprocess(*(argument.replace("KEY", key) for argument in arguments))
    outputs = {
        path.name: path.read_bytes()
        for path in pytester.path.rglob("*")
        if path.suffix in (".xml", ".log", ".txt") and path.is_file()
    }
    outputs |= {"stdout": result.stdout.str().encode(), "stderr": result.stderr.str().encode()}
    assert_unrecognisable(key, outputs)
    assert b"[redacted]" in b"".join(outputs.values())


@pytest.mark.parametrize("run", RUNS)
def test_no_part_of_the_key_is_in_an_unusual_output(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    """Errors before any test, doctests, subtests, durations, a stop, and wrong arguments."""
    key = random_key(f"unusual {run}")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    assert_redacted(pytester, key, RUNS[run])


@pytest.mark.parametrize("arguments", [[], ["-n2"]])
def test_no_part_of_the_key_is_in_an_error_of_a_conftest(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """The conftest raises an error with the key in its message, without and with workers."""
    key = random_key("conftest")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makeconftest('import os\nraise RuntimeError("conftest " + os.environ["BCTRL_API_KEY"])\n')
    assert_redacted(pytester, key, arguments)
