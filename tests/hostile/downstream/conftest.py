"""Hooks of a project that show the secret."""

import os

import pytest
from echoed import echoed

if os.environ.get("ENDS") == "conftest":
    raise RuntimeError(echoed("conftest"))

if "FROM_FIXTURE" in os.environ:

    @pytest.fixture(scope="session", autouse=True)
    def bctrl_api_key():
        return os.environ[os.environ["VARIABLE"]]


def pytest_configure(config):
    if os.environ.get("ENDS") == "usage":
        raise pytest.UsageError(echoed("usage"))
    if os.environ.get("ENDS") == "configure":
        raise RuntimeError(echoed("configure"))


def pytest_sessionstart():
    if os.environ.get("ENDS") == "start":
        pytest.exit(echoed("start"))


def pytest_report_header():
    # The secret of a fixture has not been added yet.
    return echoed("header") if "FROM_FIXTURE" not in os.environ else []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.name == "test_section":
        report.sections.append(("a section", echoed("section")))
        report.sections.append((echoed("section-title"), "text"))
    return report


def pytest_runtest_logreport(report):
    if os.environ.get("ENDS") == "internal" and report.when == "call":
        raise RuntimeError(echoed("internal"))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.line(echoed("summary"))


def pytest_sessionfinish():
    if os.environ.get("ENDS") == "finish":
        pytest.exit(echoed("finish"))
