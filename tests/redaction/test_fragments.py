"""`tests.redaction.fragments` finds the parts of a secret in texts, and counts nothing else."""

from __future__ import annotations

import base64
import html
import json
import random
import string
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.redaction.fragments import assert_unrecognisable, covered_characters, read_outputs

SECRET = "Zq7Tn4Wb9Kd2Xs6Lp3Vf8Hg5Rj1YcM"


def highlight(text: str) -> str:
    """Return the text with a colour for each character, as pytest's highlighter writes groups of them."""
    return "".join(f"\x1b[94m{character}\x1b[39;49;00m" for character in text)


def percent(text: str) -> str:
    """Return the text with all characters percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


LEAKS = {
    "plain": SECRET,
    "within a sentence": f"Invalid API key: {SECRET}.",
    "lower case": SECRET.lower(),
    "upper case": SECRET.upper(),
    "reversed": SECRET[::-1],
    "coloured": highlight(SECRET),
    "coloured, in JSON": json.dumps(highlight(SECRET)),
    "coloured, in HTML": "".join(f'<span class="x">{character}</span>' for character in SECRET),
    "hyperlink": f"\x1b]8;;http://host\x07{SECRET[:15]}\x1b]8;;\x07{SECRET[15:]}",
    "wrapped": f"{SECRET[:4]}\n{SECRET[4:9]}\r\n{SECRET[9:14]}\n    {SECRET[14:18]}\n{SECRET[18:22]}\n{SECRET[22:]}",
    "wrapped in an error of pytest": f"E       {SECRET[:5]}\nE       {SECRET[5:10]}\nE       {SECRET[10:]}",
    "wrapped in a panel": f"│ {SECRET[:5]} │\n│ {SECRET[5:10]} │\n│ {SECRET[10:]} │",
    "wrapped and coloured": f"\x1b[31mE   {SECRET[:5]}\x1b[0m\n\x1b[31mE   {SECRET[5:]}\x1b[0m",
    "wrapped, in JSON": json.dumps(f"{SECRET[:5]}\n{SECRET[5:10]}\n{SECRET[10:]}"),
    "wrapped, for TeamCity": f"{SECRET[:5]}|n{SECRET[5:10]}|n{SECRET[10:]}",
    "escaped, for TeamCity": "".join(f"|0x{ord(character):04x}" for character in SECRET),
    "escaped in JSON": "".join(f"\\u{ord(character):04x}" for character in SECRET),
    "escaped in a repr": "".join(f"\\x{ord(character):02x}" for character in SECRET),
    "escaped in HTML": "".join(f"&#{ord(character)};" for character in SECRET),
    "percent-encoded": percent(SECRET),
    "percent-encoded, in JSON, in HTML": html.escape(json.dumps(percent(SECRET))),
    "percent-encoded twice": quote(percent(SECRET)),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 after one character": base64.b64encode(f"x{SECRET}".encode()).decode(),
    "base64 after two characters": base64.b64encode(f"xy{SECRET}".encode()).decode(),
    "base64 of the reversed": base64.b64encode(SECRET[::-1].encode()).decode(),
    "base64 that is cut": base64.b64encode(f"Bearer {SECRET}".encode()).decode()[5:-5],
    "base64 twice": base64.b64encode(base64.b64encode(SECRET.encode())).decode(),
    "base64 in a word": "token_" + base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64, wrapped": base64.encodebytes(SECRET.encode() * 3).decode(),
    "hex": SECRET.encode().hex(),
    "hex in upper case": SECRET.encode().hex().upper(),
    "hex with colons": SECRET.encode().hex(":"),
    "hex of UTF-16": SECRET.encode("utf-16-le").hex(),
    "base64 of UTF-16": base64.b64encode(SECRET.encode("utf-16-be")).decode(),
    "base32": base64.b32encode(SECRET.encode()).decode(),
    "base32 that is cut, in lower case": base64.b32encode(f"Bearer {SECRET}".encode()).decode()[3:-3].lower(),
    "octal": "".join(f"\\{byte:03o}" for byte in SECRET.encode()),
    "octal without zeros": "".join(f"\\{byte:o}" for byte in SECRET.encode()),
    "bytes of C": ", ".join(f"0x{byte:02x}" for byte in SECRET.encode()),
    "decimal bytes": str([*SECRET.encode()]),
    "quoted-printable": "".join(f"={byte:02X}" for byte in SECRET.encode()),
    "escaped twice in HTML": html.escape("".join(f"&#{ord(character)};" for character in SECRET)),
    "all but one character": SECRET[:14] + "#" + SECRET[15:],
    "fragments of ten": " … ".join(SECRET[start : start + 10] for start in range(0, 30, 10)),
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS.keys())
def test_a_leak_is_found(text: str) -> None:
    """`assert_unrecognisable` fails for a text that shows parts of the secret, and says where."""
    with pytest.raises(AssertionError, match=r"of 30 characters are shown: .*, in stdout$"):
        assert_unrecognisable(SECRET, {"stdout": b"before\n" + text.encode() + b"\nafter"})


def test_fragments_of_several_outputs_add_up() -> None:
    """No output alone shows more than eight characters, and all of them together show twenty-four."""
    outputs = {f"file {start}": f"... {SECRET[start : start + 8]} ...".encode() for start in (0, 8, 16)}

    assert all(len(covered_characters(SECRET, {name: data})) == 8 for name, data in outputs.items())
    with pytest.raises(
        AssertionError, match="24 of 30 characters are shown: Zq7Tn4Wb9Kd2Xs6Lp3Vf8Hg5······, in file 0"
    ):
        assert_unrecognisable(SECRET, outputs)


def test_overlapping_fragments_are_counted_once() -> None:
    """`covered_characters` of three fragments is the set of their positions in the secret."""
    text = f"{SECRET[:7]} {SECRET[2:8]} {SECRET[:6]}"

    assert set(range(8)) == set(covered_characters(SECRET, {"stdout": text.encode()}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        SECRET[:8],
        f"{SECRET[:5]} {SECRET[5:10]} {SECRET[10:15]} {SECRET[15:20]} {SECRET[20:25]} {SECRET[25:]}",
        "".join(sorted(SECRET)),
        percent(SECRET[:8]),
    ],
    ids=["nothing", "eight characters", "fragments of five", "sorted", "eight characters, encoded"],
)
def test_unrecognisable_fragments_are_allowed(text: str) -> None:
    """Up to eight characters of the secret, or fragments of five."""
    assert_unrecognisable(SECRET, {"stdout": text.encode()})


def test_unrelated_text_contains_no_fragments() -> None:
    """A long text of the same alphabet contains no fragment of a random secret by chance."""
    alphabet = random.Random(28)
    text = "".join(alphabet.choices(string.ascii_letters + string.digits + "%&\n\\|+/", k=50_000))

    assert {} == covered_characters(SECRET, {"noise": text.encode()})


def test_a_secret_in_binary_data_is_found() -> None:
    """`covered_characters` finds its 30 characters between bytes that are not UTF-8."""
    assert 30 == len(covered_characters(SECRET, {"file": b"\xff\xfe\x00" + SECRET.encode() + b"\x80"}))


def test_files_and_their_names_are_outputs(tmp_path: Path) -> None:
    """`read_outputs` of a folder has its contents, its names and the streams."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / SECRET[:12]).write_text(SECRET[12:20])

    covered = covered_characters(SECRET, read_outputs(tmp_path, {"stderr": SECRET[20:], "empty": b""}))

    assert {f"folder/{SECRET[:12]}", "names of files", "stderr"} == set(covered.values())
    assert set(range(30)) == set(covered)
