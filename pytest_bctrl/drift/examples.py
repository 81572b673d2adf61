"""For each drift rule the smallest change that triggers only that rule, from `examples.json`.

The page of rules and `pytest-bctrl explain` show them, and the tests compare them. The file has each change of a schema
once, for all scopes.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.rules import rule_in_scope, rules

_HEAD = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}


class Example(NamedTuple):
    """Two documents, the parts of them to show, and the options that the rule needs."""

    base: dict[str, Any]
    revision: dict[str, Any]
    shown: tuple[Any, Any]
    options: Options


@cache
def stored_examples() -> dict[str, dict[str, Any]]:
    """Return the contents of `examples.json`: the scopes, the changes of schemas, and the changes of documents."""
    contents: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))
    return contents


def document_in_scope(scope: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    """Return the smallest document with a schema in a scope."""
    text = json.dumps(stored_examples()["scopes"][scope]).replace("application/json", media)
    return {**_HEAD, **json.loads(text.replace('"SCHEMA"', json.dumps(schema)))}


@cache
def scopes_and_changes() -> dict[str, tuple[str, str]]:
    """Return the scope and the change of each rule whose example is a change of a schema."""
    contents = stored_examples()
    placed = {rule_in_scope(*pair): pair for pair in product(contents["scopes"], contents["schemas"])}
    return {rule: placed[rule] for rule in placed if rule in rules() and rule not in contents["documents"]}


def example(rule: str) -> Example:
    """Return the smallest documents that trigger a rule and no other, with the options they need."""
    placed = scopes_and_changes().get(rule)
    if placed is None:
        before, after, *options = stored_examples()["documents"][rule]
        base, revision = {**_HEAD, **before}, {**_HEAD, **after}
        return Example(base, revision, _difference(base, revision), Options(**dict(*options)))
    scope, change = placed
    before, after = stored_examples()["schemas"][change]
    media = "application/json"
    if change == "type-compatible":
        media = "text/plain"
    options = Options(descriptions="annotation-only" in change)
    return Example(
        document_in_scope(scope, before, media), document_in_scope(scope, after, media), (before, after), options
    )


def _difference(base: Any, revision: Any) -> tuple[Any, Any]:
    """Return the innermost members of two documents that contain every difference."""
    while isinstance(base, dict) and isinstance(revision, dict):
        differing = [key for key in {**base, **revision} if base.get(key) != revision.get(key)]
        if len(differing) != 1 or differing[0] not in base or differing[0] not in revision:
            break
        base, revision = base[differing[0]], revision[differing[0]]
    return base, revision
