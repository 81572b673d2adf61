"""The samples of the published page, as published: no character is replaced, and Java's is wrapped in a class.

The mock plays `https://api.bctrl.ai` with the page's own placeholders as its key and its space.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_bctrl.contract.build import normalise_spec
from pytest_bctrl.contract.document import openapi_block
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from tests.docs.internet import API, proxy
from tests.languages.toolchains import LANGUAGES

PAGE = Path(__file__).with_name("runtimes-list.md")
UPSTREAM = Path(__file__).resolve().parents[3] / "shared" / "upstream" / PAGE.name
SAMPLES = dict(
    re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8").partition("## SDK Code Examples")[2], re.DOTALL)
)
CHEAP = {"python", "javascript"}


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """Run a mock whose key and space id are the placeholders in the samples."""
    with MockServer(load(), api_key=Secret("<token>"), space_id="id") as server:
        yield server


def run(language: str, sample: str, folder: Path, mock: MockServer) -> str:
    """Return the output of a sample, or of the program that rejects it."""
    setup = LANGUAGES[language]
    imports, statements = re.findall(r"\A((?:import [^\n]*\n)*)(.*)\Z", sample, re.DOTALL)[0]
    framed = imports + setup.frame.format(statements=statements)
    for name, text in {setup.file: framed, **setup.beside}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    if setup.before and (done := subprocess.run(setup.before, cwd=folder, capture_output=True, check=False)).returncode:
        pytest.skip(f"{' '.join(setup.before)} ends with {done.returncode}")
    with proxy(folder, {API: int(mock.url.rpartition(":")[2])}) as (variables, rejected):
        program, *arguments = setup.command
        words = [word.format(file=setup.file, authority=variables["SSL_CERT_FILE"]) for word in arguments]
        command = [sys.executable if program == "python3" else program, *words]
        environment = {**os.environ, **variables}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
    assert [] == rejected
    shown = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert setup.rejection or 0 == done.returncode, shown
    return shown


@pytest.mark.parametrize(
    "language",
    [pytest.param(language, marks=() if language in CHEAP else pytest.mark.toolchain) for language in LANGUAGES],
)
def test_a_published_sample_runs_or_fails_in_its_own_language(mock: MockServer, tmp_path: Path, language: str) -> None:
    """The mock receives its GET with the body, or the language rejects the sample with its own message."""
    setup = LANGUAGES[language]
    if missing := setup.missing():
        pytest.skip(f"{missing} is not installed (python -m tests.languages.toolchains installs what Debian has)")

    shown = run(language, SAMPLES[language], tmp_path, mock)

    requests = [("GET", 200, setup.body)] if not setup.rejection else []
    assert requests == [(request.method, request.status, request.body.decode()) for request in mock.requests], shown
    assert setup.rejection in shown
    assert (bool(requests) and setup.prints) == (mock.runtimes[0]["id"] in shown)


def test_the_javascript_sample_runs_without_its_body(mock: MockServer, tmp_path: Path) -> None:
    """Node does not use the proxy, so that the host is replaced as well."""
    if LANGUAGES["javascript"].missing():
        pytest.skip("node is not installed")
    bodiless = SAMPLES["javascript"].replace(",\n  body: '{}'", "").replace(f"https://{API}", mock.url)
    assert mock.runtimes[0]["id"] in run("javascript", bodiless, tmp_path, mock)


def test_the_languages_are_those_of_the_samples_on_the_page() -> None:
    assert {*SAMPLES} == {*LANGUAGES}


def test_the_packaged_spec_is_that_of_the_page() -> None:
    assert packaged().spec.read_text("utf-8") == normalise_spec(openapi_block(PAGE.read_text("utf-8"), PAGE.name).text)


@pytest.mark.skipif(not UPSTREAM.is_file(), reason="the published page is not beside this checkout")
def test_the_page_equals_the_published_page() -> None:
    assert UPSTREAM.read_bytes() == PAGE.read_bytes()
