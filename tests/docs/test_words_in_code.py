"""Docstrings, comments and names of the product, its tools and its configuration use the terms of the field."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import pytest

from tests.docs.page import PROJECT

PRODUCT = PROJECT / "pytest_bctrl"

CONFIGURATION = (
    ".ci/run",
    ".github/workflows/release.yml",
    ".github/workflows/tests.yml",
    ".pre-commit-hooks.yaml",
    ".readthedocs.yaml",
    "Containerfile",
    "action.yml",
    "pyproject.toml",
    "tox.ini",
)
"""Files whose comments and descriptions are checked."""

TERMS = {
    r"of one's own": "custom",
    r"who moved": "the cause of a change",
    r"whoever|whatever": "a noun",
    r"what is none": "a noun, such as 'another file'",
    r"what came|what stands": "the response, the value",
    r"how much is read": "limit",
    r"(gives?|given|gave) (back|on)": "return",
    r"comes? back": "retry, return",
    r"lets? in": "accept",
    r"holds? to|held to": "validate",
    r"(an?|one|this|each|the|its|every) (answer|reply)": "response",
    r"\w+s an? (operation|response|request|line|level|rule|finding|entry|test)\b(?= at most)": "per",
    r"see that": "check that",
    r"made up|dealt": "generated",
    r"spellings?": "encoding",
    r"allow-lists?": "baseline",
    r"mends?|mended": "fix",
    r"patience": "limit",
}
"""A phrase that is not used, as a pattern of whole words, and the term to use."""

TERMS_OF_TOOLS = {
    r"asks?|asked|asking": "send a request, use",
    r"answers?|answered|replies|replied": "response, respond",
    r"told|tells?|telling": "print, return, distinguish",
    r"beside": "next to, in addition to",
    r"in turn|turn about|by turns?": "alternate",
    r"an? (entry|operation|line|finding|second|test) a\b": "per",
    r"as new as|such as it": "the newest",
    r"of its own|in vain|anew": "separate, new",
    r"tak(es?|ing) down|takes? for": "record",
    r"sought|dealt?|deals|witness(es)?|troubles?": "a term of the field",
    r"what (is|was|are|were|stands|comes|came|goes)": "a noun",
}
"""Further phrases that modules outside of the package do not use."""

PHRASES_OF_TOOLS = re.compile(rf"\b(?:{'|'.join([*TERMS, *TERMS_OF_TOOLS])})\b", re.IGNORECASE)

PHRASES = re.compile(rf"\b(?:{'|'.join(TERMS)})\b", re.IGNORECASE)

VAGUE = frozenset(
    [
        "one",
        "other",
        "made",
        "found",
        "given",
        "told",
        "said",
        "known",
        "kept",
        "held",
        "here",
        "there",
        "more",
        "least",
        "most",
        "left",
        "rest",
        "wanted",
        "asked",
        "whole",
        "way",
        "spot",
        "own",
    ]
)
"""Names that do not say what a variable holds."""

MAX_PHRASES: dict[str, int] = {
    "baseline": 4,
    "checks": 31,
    "observed": 16,
    "recorded": 8,
}
"""Phrases that a package may still have; the other packages have none. Lower a number after rewording."""

MAX_VAGUE_NAMES: dict[str, int] = {
    "baseline": 7,
    "checks": 80,
    "cli": 2,
    "contract": 4,
    "findings": 1,
    "http": 6,
    "observed": 108,
    "recorded": 27,
    "reports": 2,
    "secrets": 1,
    "traffic": 7,
}
"""Vague names that a package may still have; the other packages have none. Lower a number after renaming."""


def modules() -> Iterator[tuple[str, str]]:
    """Yield the package and the source of each module; modules at the root belong to the package `.`."""
    for path in sorted(PRODUCT.rglob("*.py")):
        parts = path.relative_to(PRODUCT).parts
        yield parts[0] if len(parts) > 1 else ".", path.read_text("utf-8")


def tools() -> Iterator[tuple[str, str]]:
    """Yield the name and the source of each benchmark, example, and module directly in `tests` that has no tests."""
    paths = [PROJECT / "toxfile.py", PROJECT / "conftest.py", *(PROJECT / "tests").glob("*.py")]
    for folder in ("benchmarks", "examples"):
        paths += (PROJECT / folder).rglob("*.py")
    for path in sorted(paths):
        if not (path.parent.name == "tests" and path.name.startswith("test_")):
            yield path.relative_to(PROJECT).as_posix(), path.read_text("utf-8")


@lru_cache(maxsize=1)
def syntax_tree(source: str) -> ast.Module:
    """Return the syntax tree of a module, which both prose and names are taken from."""
    return ast.parse(source)


def prose(source: str) -> Iterator[str]:
    """Yield each docstring and comment, without code in backticks."""
    for node in ast.walk(syntax_tree(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield re.sub(r"`[^`]*`", "", node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield re.sub(r"`[^`]*`", "", token.string)


def bound_names(source: str) -> Iterator[str]:
    """Yield the name of each variable, parameter, function and class that the source binds; not those of imports."""
    for node in ast.walk(syntax_tree(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def phrases(source: str, pattern: re.Pattern[str] = PHRASES) -> list[str]:
    """Return the forbidden phrases in the docstrings and comments of a module."""
    return [match[0] for text in prose(source) for match in pattern.finditer(" ".join(text.split()))]


def configuration_prose(text: str) -> Iterator[str]:
    """Yield each comment and description of a configuration file, without code in backticks."""
    for line in text.splitlines():
        if match := re.search(r"(?:^|\s)#\s+(.*)|^\s*(?:description|name)\s*[:=]\s*(.*)", line):
            yield re.sub(r"`[^`]*`", "", match[1] or match[2] or "")


def vague_names(source: str) -> list[str]:
    """Return the vague names that a module binds."""
    return [name for name in bound_names(source) if name.strip("_") in VAGUE]


@pytest.fixture(scope="module")
def counts_by_package() -> tuple[Counter[str], Counter[str]]:
    """Return the number of odd phrases and that of vague names in each package."""
    odd_phrases: Counter[str] = Counter()
    vague: Counter[str] = Counter()
    for package, source in modules():
        odd_phrases[package] += len(phrases(source))
        vague[package] += len(vague_names(source))
    return odd_phrases, vague


def test_prose_uses_the_terms_of_the_field(counts_by_package: tuple[Counter[str], Counter[str]]) -> None:
    """No package has more odd phrases in docstrings and comments than its limit allows."""
    counts, _ = counts_by_package
    assert {} == {package: count for package, count in counts.items() if count > MAX_PHRASES.get(package, 0)}


def test_names_are_not_vague(counts_by_package: tuple[Counter[str], Counter[str]]) -> None:
    """No package has more vague names than its limit allows."""
    _, counts = counts_by_package
    assert {} == {package: count for package, count in counts.items() if count > MAX_VAGUE_NAMES.get(package, 0)}


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in tools()])
def test_tools_use_the_terms_of_the_field(source: str) -> None:
    """Benchmarks, examples and the tools of the tests have neither odd phrases nor vague names."""
    assert ([], []) == (phrases(source, PHRASES_OF_TOOLS), vague_names(source))


@pytest.mark.parametrize("name", CONFIGURATION)
def test_configuration_uses_the_terms_of_the_field(name: str) -> None:
    """Comments and descriptions have no odd phrases."""
    texts = [*configuration_prose((PROJECT / name).read_text("utf-8"))]
    assert texts
    assert [] == [match[0] for text in texts for match in PHRASES_OF_TOOLS.finditer(text)]


def test_a_phrase_is_found_in_comments_and_descriptions_of_configuration() -> None:
    text = "description = what is new\nkey = what is new  # whoever asks\n# `what is` new\n"
    found_phrases = [match[0] for line in configuration_prose(text) for match in PHRASES_OF_TOOLS.finditer(line)]
    assert ["what is", "whoever", "asks"] == found_phrases


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Return a check of one\'s own."""', ["of one's own"]),
        ("# The answer of the server comes back.", ["The answer", "comes back"]),
        ('x = "a check of one\'s own"', []),
        ('"""Use `spelling` here."""', []),
    ],
)
def test_a_phrase_is_found_in_docstrings_and_comments(source: str, expected: list[str]) -> None:
    assert sorted(expected) == sorted(phrases(source))


def test_a_vague_name_is_found_wherever_it_is_bound() -> None:
    source = "def made(given, *more): _found = [one for one in given]"
    assert ["_found", "given", "made", "more", "one"] == sorted(vague_names(source))
