"""HAR files of real programs: Chromium through Playwright, with each way to store bodies, and Schemathesis."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.traffic.recordings.har_file import load
from pytest_bctrl.traffic.recordings.har_read import LACKS_BODY
from pytest_bctrl.traffic.recordings.har_write import Recording
from pytest_bctrl.traffic.recordings.replay import Miss, Player
from tests.recordings.conftest import listing as listed_by
from tests.recordings.conftest import recorded
from tests.recordings.test_check_command import check

FILES = Path(__file__).with_name("har_files")
WITH_BODIES = ["embed.har", "attach/attach.har"]
LISTING = f"/v1/spaces/{SPACE_ID}/runtimes"


def loaded(path: Path) -> Recording:
    """Return the recording in a file, which must exist."""
    recording = load(path)
    assert recording is not None
    return recording


@pytest.mark.parametrize("name", WITH_BODIES)
def test_bodies_recorded_by_a_browser_are_read(name: str) -> None:
    """Embedded or attached, the file has three responses, the second with the same body."""
    page, listing, rejected = loaded(FILES / name).exchanges

    assert [404, 200, 401] == [exchange.status for exchange in (page, listing, rejected)]
    assert ["GET /", f"GET {LISTING}", f"GET {LISTING}"] == [
        exchange.request.label for exchange in (page, listing, rejected)
    ]
    assert loaded(FILES / "embed.har").exchanges[1].body == listing.body
    assert 2 == len(json.loads(listing.body)["runtimes"])
    assert b'"unauthorized"' in rejected.body
    assert "application/json" == listing.header("content-type")


@pytest.mark.parametrize("name", WITH_BODIES)
def test_a_har_file_of_a_browser_is_replayed(name: str) -> None:
    """Its two responses to the same request are replayed in turn: 200, and then 401."""
    recording = recorded(FILES / name)
    first, second = listed_by(recording), listed_by(recording)

    assert (200, 2, 401) == (first.status_code, len(first.json()["runtimes"]), second.status_code)


@pytest.mark.parametrize("url", ["data:text/plain,x", "blob:https://a.test/1", "/style.css", "https://cdn.test/"])
def test_the_base_url_is_that_of_the_api_and_not_of_the_page(tmp_path: Path, url: str) -> None:
    """The first entry of the file has the URL of another host, or none with a host."""
    document = json.loads((FILES / "embed.har").read_bytes())
    document["log"]["entries"][0]["request"]["url"] = url
    (tmp_path / "x.har").write_text(json.dumps(document))
    recording = recorded(tmp_path / "x.har")
    listing = f"{recording.base_url}/v1/spaces/{recording.space_id}/runtimes"

    assert [listing] * 2 == [recording.exchanges[1].request.url, str(listed_by(recording).url)]


def test_entries_without_bodies_are_neither_replayed_nor_checked() -> None:
    recording = loaded(FILES / "omit.har")

    assert [LACKS_BODY] * 3 == [exchange.response_unread for exchange in recording.exchanges]
    miss = Player(recording.exchanges, name="omit.har", hint="").response("GET", LISTING)
    assert isinstance(miss, Miss)
    assert "the recorded response has no body: the tool that wrote the file did not save it" in miss.text
    result = check(str(FILES / "omit.har"))
    assert (2, "3 exchanges: 2 not checked, 1 unmatched under ") == (result.returncode, result.stdout[:46])
    assert re.search("omit.har: entry 2: GET .*: the file does not have the body", result.stderr)


@pytest.mark.parametrize(("name", "unmatched"), [("embed.har", 1), ("attach", 1), ("schemathesis.har", 0)])
def test_check_has_no_findings_for_har_files_of_other_programs(name: str, unmatched: int) -> None:
    """It lists the request for the page, which is to no operation."""
    result = check(str(FILES / name))

    assert 0 == result.returncode
    assert unmatched == len(result.stderr.splitlines()) == result.stderr.count("GET / is not in the contract")
    assert "; no findings under contract " in result.stdout
    assert not result.stdout.startswith("0 ")


def test_a_violation_in_an_attached_body_is_found(tmp_path: Path) -> None:
    """`pytest-bctrl check` of the folder names the HAR file and its entry."""
    shutil.copytree(FILES / "attach", tmp_path / "faulty")
    (path,) = (path for path in (tmp_path / "faulty").glob("*.json") if b'"runtimes"' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"status":"', b'"status":"x', 1))

    result = check("faulty", folder=tmp_path)

    assert 1 == result.returncode
    assert "found in  faulty/attach.har: entry 2\n" in result.stdout


def attached(tmp_path: Path, name: str) -> Path:
    """Return the path of a HAR in a temporary folder, all of whose bodies are attachments with this name."""
    document = json.loads((FILES / "attach" / "attach.har").read_bytes())
    for entry in document["log"]["entries"]:
        entry["response"]["content"]["_file"] = name
    path = tmp_path / "own" / "x.har"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("name", ["../outside.json", "link.json", "gone.json", "", ".", "a\0b", "x" * 300, "/in/full"])
def test_an_attachment_that_is_not_a_file_beside_the_har_is_an_error(tmp_path: Path, name: str) -> None:
    """Its name is a path, a symbolic link, or no valid name of an existing file."""
    (tmp_path / "outside.json").write_text("{}")
    path = attached(tmp_path, name)
    (path.parent / "link.json").symlink_to(tmp_path / "outside.json")

    with pytest.raises(DocumentError, match=r"x\.har: entry 1 of 3, GET /: response\.content\._file: .*beside it"):
        load(path)


def test_attachments_of_a_har_on_standard_input_are_an_error() -> None:
    result = check("-", stdin=(FILES / "attach" / "attach.har").read_bytes())

    assert 2 == result.returncode
    assert "a HAR file without its folder has no attachments" in result.stderr


def test_a_zip_archive_is_an_error_whose_hint_names_the_har_in_it(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(FILES / "embed.har", "embed.har")

    result = check("x.zip", folder=tmp_path)

    assert 2 == result.returncode
    assert "x.zip: it is a zip archive (unpack it, and name the .har file)" in result.stderr
