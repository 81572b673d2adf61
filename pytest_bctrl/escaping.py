r"""Escapes text from servers, documents, recordings and settings for each medium that it is written to.

Such text may contain commands for a medium: escape codes, workflow commands of a CI system, bidi controls, markup,
links. Each function returns a text for one medium, which shows the text and obeys no command in it. Characters that
cannot be shown become an escape such as `\x1b`. Escaped text is not changed, so a line may be joined from escaped parts
and be escaped again as a whole.

The parsers of the CI systems find commands in these positions: GitHub Actions obeys `##[NAME]` anywhere in a line
and `::NAME::` at its start (`ActionCommand.cs` of actions/runner), Azure Pipelines `##vso[` anywhere (`Command.cs` of
microsoft/azure-pipelines-agent), TeamCity `##teamcity[`, Buildkite `---`, `+++`, `~~~` and `^^^` at the start of a
line, Travis CI `travis_fold:` and `travis_time:`. The parsers of the first two compare by culture, which ignores
zero-width characters: a command is taken apart by escaping one of its characters, never by putting an invisible one
into it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_IGNORABLE = (
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff]"
)
"""Default-ignorable code points, which are invisible; `str.isprintable` accepts some of them."""

# Patterns are compiled where they are first used: the drift gate starts in a few milliseconds.
_SECOND_HASH = "(?<=#)#"
_START_OF_COMMAND = r"^( *)(?=::|(?:---|\+\+\+|~~~|\^\^\^)(?: |$)|travis_)(.)"


def escape_line(text: str) -> str:
    """Return a text as one line for a terminal or log, with control characters and CI commands escaped."""
    text = _visible(text)
    if "##" in text:
        text = re.sub(_SECOND_HASH, r"\\x23", text)
    if text.lstrip(" ").startswith((":", "-", "+", "~", "^", "t")):
        text = re.sub(_START_OF_COMMAND, lambda match: f"{match[1]}\\x{ord(match[2]):02x}", text)
    return text


def escape_lines(text: str) -> str:
    """Return a text of several lines, each escaped on its own; only a line feed ends one."""
    return "\n".join(map(escape_line, text.split("\n")))


def _code(char: str) -> str:
    r"""Return a character as a Python escape, such as `\x1b`."""
    return char.encode("unicode_escape").decode()


def _visible(text: str, code: Callable[[str], str] = _code) -> str:
    """Return the text with invisible characters escaped: controls, separators, zero-width characters."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else code(char) for char in text)
    return text if text.isascii() else re.sub(_IGNORABLE, lambda match: code(match[0]), text)


def escape_json(document: str) -> str:
    """Return a JSON document with the same values, in which no terminal and no CI system finds a command.

    Invisible characters and a second `#` in a row, which are always inside a string, become escapes such as `\u0023`.
    """
    lines = (_visible(line, _json_code) for line in document.split("\n"))
    return re.sub(_SECOND_HASH, r"\\u0023", "\n".join(lines))


def _json_code(char: str) -> str:
    r"""Return a character as JSON escapes, such as `\u001b`."""
    return "".join(f"\\u{code:04x}" for code in _utf_16(char))


def _utf_16(char: str) -> Iterator[int]:
    """Yield the UTF-16 code units of a character."""
    data = char.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def escape_yaml(document: str) -> str:
    """Return a YAML document with the same values, in which no terminal and no CI system finds a command.

    The writer of the document must put each text that `escape_line` would change in double quotes, and fold no line.
    """
    return re.sub(_SECOND_HASH, r"\\x23", "\n".join(map(_visible, document.split("\n"))))


def escape_toml(text: str) -> str:
    """Return a text as a basic string of TOML, with escapes for what would end it, hide or start a CI command."""
    escaped = '"\\#' if "##" in text else '"\\'
    return '"' + "".join(_toml_escape(char) if char in escaped else _visible_in_toml(char) for char in text) + '"'


def _visible_in_toml(char: str) -> str:
    """Return a character of a TOML string, as an escape if it is invisible."""
    return char if escape_line(char) == char else _toml_escape(char)


def _toml_escape(char: str) -> str:
    """Return the escape of a character in a TOML string."""
    return f"\\U{ord(char):08x}"


_JSON_ESCAPE = r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|u\w{4}|.)"
_KEPT = frozenset({r"\n", r"\t", r"\u0023"})


def escape_html_json(document: str) -> str:
    """Return a JSON document for a `script` element of HTML, which no text in it can end.

    It is shown, not read by programs: hidden characters become text that shows their escape (`\u202e`).
    """
    document = re.sub(_JSON_ESCAPE, _shown_escape, escape_json(document))
    return document.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shown_escape(match: re.Match[str]) -> str:
    """Return a JSON escape as it is, or with its backslash doubled if its character is invisible (not \\n, \\t)."""
    import json

    char = json.loads(f'"{match[0]}"')
    is_shown = match[0] in _KEPT or _visible(char) == char
    return match[0] if is_shown else f"\\{_code(char)}"


def escape_html(text: str) -> str:
    """Return a line for HTML, as content or as an attribute's value in quotes."""
    from html import escape

    return escape(escape_line(text))


def escape_xml(text: str) -> str:
    """Return a line for XML 1.0, as content or as an attribute's value in double quotes."""
    return escape_html(text).replace("&#x27;", "'")


def escape_sarif(text: str) -> str:
    """Return a line for a message of SARIF, in which `[TEXT](TARGET)` would be a link (2.1.0, 3.11.6)."""
    return re.sub(r"(\\*)\](?=\()", r"\1\1\\]", escape_line(text))


_MARKUP = r"[\\`*_{}\[\]<>|#&~]"
_START_OF_BLOCK = r"^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]"
_REFERENCE = r"(?i)://|www\.|@|\$|#\d|\bGH-\d"
"""What makes a word a link, a mention, a formula or the number of an issue for GitHub."""


def escape_markdown(text: str) -> str:
    """Return a line for GitHub's Markdown, also for a cell of a table: a word that would be a link becomes code."""
    first, *others = escape_line(text).split(" ")
    return " ".join([re.sub(_START_OF_BLOCK, r"\\\g<0>", _escaped_word(first), count=1), *map(_escaped_word, others)])


def _escaped_word(word: str) -> str:
    """Return a word with Markdown escaped; as code if GitHub would make a link of it."""
    return escape_markdown_code(word) if re.search(_REFERENCE, word) else re.sub(_MARKUP, r"\\\g<0>", word)


def escape_markdown_code(text: str) -> str:
    """Return a line as inline code that no text can end, in a table too; empty for an empty text."""
    # A code span in a table cannot contain a vertical bar, and outside of tables the backslash of its escape is shown.
    return r"\|".join(part and _code_span(part) for part in escape_line(text).split("|"))


def _code_span(text: str) -> str:
    """Return a text as a code span of Markdown, with more backquotes around it than inside."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # Markdown removes one blank on both sides; it protects the text's blanks and separates a backtick from the fence.
    pad = " " if "`" in text or (text.strip() and text[0] == text[-1] == " ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def escape_annotation(text: str) -> str:
    """Return a line as the data of a workflow command of GitHub Actions."""
    return escape_line(text).replace("%", "%25")


def escape_annotation_property(text: str) -> str:
    """Return a text as the value of a property of a workflow command; the line ends of a file's name are kept."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escape_line(text).replace(":", "%3A").replace(",", "%2C")
