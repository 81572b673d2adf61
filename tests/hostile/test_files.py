"""A file that is too large, or becomes so, is rejected with one line that names the limit, in less than 300 MB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_bctrl import check
from pytest_bctrl.files import limits
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.recordings.recorded_exchange import recorded_exchange
from tests.traffic.servers import Server

from .bombs import GIGABYTE, har
from .child import MEMORY, JobResult, run


def _sparse(path: Path) -> None:
    """Write a sparse file of 1 GB."""
    with path.open("wb") as file:
        file.truncate(GIGABYTE)


def _with_attachment(path: Path, entry_count: int) -> None:
    """Write a HAR whose entries refer to the same attachment of 30 MB."""
    path.with_suffix(".body").write_bytes(bytes(30_000_000))
    path.write_text(har(*[{"_file": path.with_suffix(".body").name, "size": 30}] * entry_count))


LISTS = b"[" + b"[]," * 6_000_000 + b"0]"
"""Empty lists that fill 400 MB if they are parsed: more than a job may take."""
FULL = "it is larger than 64 MiB"
PARSED = "reading it as JSON would take more than 160 MiB of memory"

TWO = '"k%d": 0, "k%d": 1'
OWN = recorded_exchange(
    "GET", "https://api.bctrl.ai/v1/spaces/1/runtimes", 200, body="\U0001f600".encode() + b"x" * 60_000_000
)

FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "same.har": (
        lambda path: _with_attachment(path, 100),
        "the entries name attachments of more than 128 MiB in all",
    ),
    "huge.har": (_sparse, FULL),
    "huge.json": (_sparse, FULL),
    "beside.har": (
        lambda path: path.write_text(har({"_file": "huge.json"})),
        "with it, more than 64 MiB would be read",
    ),
    "lists.har": (lambda path: path.write_bytes(LISTS), PARSED),
    "stdin": (_sparse, FULL),
    "seen.json": (_sparse, FULL),
    "huge.yaml": (_sparse, "it is larger than 10 MB"),
    "lists.yaml": (lambda path: path.write_bytes(b'{"a":' + LISTS[:9_000_000]), "more than 1,000,000 values"),
    "spec.json": (lambda path: path.write_bytes(LISTS[:9_000_000]), PARSED),
    "spec.yaml": (_sparse, "larger than 10 MB"),
    "data.json": (_sparse, FULL),
    "data-lists.json": (lambda path: path.write_bytes(LISTS), PARSED),
    "allowed.yaml": (_sparse, "it is larger than 10 MB"),
}
"""By name of a file: the function that writes it, and words of the error of the command that reads it."""

COMMANDS = {
    "stdin": "stdin stdin check -",
    "seen.json": "main contract suggest seen.json",
    "huge.yaml": "main contract show huge.yaml",
    "lists.yaml": "main contract show lists.yaml",
    "spec.json": "main drift spec.json",
    "spec.yaml": "main drift spec.yaml",
    "data.json": "main mock --recording data.json",
    "data-lists.json": "main mock --recording data-lists.json",
    "allowed.yaml": "main check --baseline allowed.yaml huge.json",
}
"""By name of a file: the job that reads it, if that is not `check` of the file."""


WITHIN: dict[str, Callable[[Path], object]] = {
    "browser.har": lambda path: path.write_text(har({"text": "x" * 60_000_000})),
    "wide.har": lambda path: path.write_text(har({"text": "\U0001f600" + "x" * 20_000_000}, ascii_only=False), "utf-8"),
    "own.har": lambda path: path.write_bytes(encode(Recording((OWN,)))),
    "wrong.json": lambda path: path.write_bytes(b'{"runtimes": [' + b"[], " * 30_000 + b"0]}"),
    "twice.json": lambda path: path.write_text(
        f'{{"runtimes": [], {", ".join(f"{TWO % (n, n)}" for n in range(200))}}}'
    ),
}
"""Files within the limits, with the function that writes each."""


@pytest.fixture(scope="session")
def read(hostile: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, JobResult]:
    """Return the result of each command for its file."""
    folder = tmp_path_factory.mktemp("files")
    for name, make in ({name: make for name, (make, _) in FILES.items()} | WITHIN).items():
        make(folder / name)
    jobs = {name: COMMANDS.get(name, f"main check {name}").split() for name in (*FILES, *WITHIN)}
    return run({**jobs, "fetched": ("main", "drift", f"{hostile.url}/plain/")}, folder, {})


@pytest.mark.parametrize("name", [*FILES, "fetched"])
def test_a_file_over_a_limit_is_rejected_with_one_line(read: dict[str, JobResult], name: str) -> None:
    words = FILES[name][1] if name in FILES else "larger than 10 MB"
    assert (2, 1) == (read[name].code, read[name].err.count("\n")), read[name]
    assert words in read[name].err
    assert read[name].peak < MEMORY


@pytest.mark.parametrize("name", WITHIN)
def test_a_file_within_the_limits_is_checked_with_limited_memory(read: dict[str, JobResult], name: str) -> None:
    """The exit code is 1, and less than 300 MB are used."""
    messages = {
        "wrong.json": "more than 20,000 places break the schema",
        "twice.json": "more than 100 keys appear twice",
    }
    assert (1, "") == (read[name].code, read[name].err)
    assert messages.get(name, "1 exchange: 1 checked") in read[name].out
    assert read[name].peak < MEMORY


@pytest.mark.parametrize(
    ("text", "is_fine"),
    {
        "x" * 4_000: True,
        "é" * 2_000: True,
        "€" + "x" * 4_000: False,
        r"\u20ac" + "x" * 4_000: False,
        "\U0001f600" + "x" * 1_000: True,
        "\U0001f600" + "x" * 2_000: False,
        r"\ud83d\ude00" + "x" * 2_000: False,
        r"\",[" * 1_000: True,
        '","' * 200: False,
    }.items(),
)
def test_the_cost_of_parsing_depends_on_strings_and_values(
    monkeypatch: pytest.MonkeyPatch, text: str, is_fine: bool
) -> None:
    """`parsing_problem` of a text: characters beyond Latin-1, escapes and the number of values count."""
    monkeypatch.setattr(limits, "PARSED", 10_000)
    assert is_fine == (not limits.parsing_problem(f'["{text}"]'.encode()))


def test_a_body_too_expensive_to_parse_is_a_finding() -> None:
    """`check` says that it was not parsed: the response is within the size limit, but not reported as conforming."""
    assert [f"the body was not parsed: {PARSED}"] == [finding.message for finding in check(LISTS)]
