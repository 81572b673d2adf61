"""Hooks that write each report, exception and comparison of a run, as another plugin receives it, to a file."""

import os
from pathlib import Path

import pytest

SEEN = Path(os.environ["SEEN"])


def see(*values):
    """Append a line to the log; in a single write, so that the lines of workers do not mix."""
    line = "\t".join(ascii(value) for value in values) + "\n"
    with SEEN.open("ab", buffering=0) as file:
        file.write(line.encode())


@pytest.fixture(scope="session", name="see")
def _see():
    return see


def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        kind = type(report.longrepr).__name__
        sections = [name for name, _ in report.sections]
        properties = [name for name, _ in report.user_properties]
        xfail = hasattr(report, "wasxfail")
        see("report", report.nodeid, report.when, report.outcome, report.location, kind, sections, properties, xfail)
        see("keywords", report.nodeid, sorted(report.keywords))


def pytest_collection_modifyitems(items):
    for item in items:
        see("item", item.name, item.nodeid, sorted(str(word) for word in item.keywords))


def pytest_deselected(items):
    for item in items:
        see("deselected", item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    excinfo = call.excinfo
    before = excinfo and (excinfo.value, excinfo.type, excinfo.tb, vars(excinfo.value).copy())
    report = yield
    is_same = call.excinfo is excinfo
    if excinfo:
        value, kind, traceback, attributes = before
        is_same = is_same and excinfo.value is value and excinfo.type is kind and excinfo.tb is traceback
        is_same = is_same and all(vars(value)[name] is attributes[name] for name in attributes)
    see("call", item.nodeid, call.when, is_same, kind.__name__ if excinfo else None)
    return report


def pytest_assertrepr_compare(op, left, right):
    see("compare", op, type(left).__name__, type(right).__name__, left if type(left) is str else None)


def pytest_warning_recorded(warning_message, nodeid):
    text = str(warning_message.message).replace(str(Path.cwd()), "")
    see("warning", nodeid, type(warning_message.message).__name__, text)


class NoteFile(pytest.File):
    def collect(self):
        for name in self.path.read_text().split():
            yield Note.from_parent(self, name=name)


class Representation:
    """What `repr_failure` may return: any object that can be written as text."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        see("representation is shown")
        return self.text


class Note(pytest.Item):
    def runtest(self):
        raise ValueError(self.name, os.environ["DRAWN"])

    def repr_failure(self, excinfo):
        text = f"{self.name} failed with {excinfo.value.args[1]}"
        return {"text": text, "object": Representation(text)}[self.name]

    def reportinfo(self):
        return self.path, 0, f"note {self.name}"


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".note":
        return NoteFile.from_parent(parent, path=file_path)
    return None
