"""Asks the engine whether one schema allows every value that another schema allows, as a consumer sees both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.keywords import map_subschemas
from pytest_bctrl.drift.declared_names import declared_names, is_open
from pytest_bctrl.drift.node import Node
from pytest_bctrl.drift.pattern_automaton import UndecidedError
from pytest_bctrl.drift.patterns import NO_TEXT, contains, limits_of_text
from pytest_bctrl.drift.schema_writer import SchemaWriter, schema_with_names, validator
from pytest_bctrl.drift.texts import SCALARS, SUBSCHEMAS, is_rejected, representatives, schemas_in, sent_as_text
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from pytest_bctrl.drift.node import Alternatives
    from pytest_bctrl.drift.verification import Verdict

FAILURES = (DocumentError, LookupError, ValueError, RecursionError)
"""The exceptions for a schema that the engine cannot read, or that is too large."""

_MOST_SCHEMAS = 5_000
"""Maximum number of schemas that a value is validated against to check its names."""


class Question:
    """Whether a schema of one document allows every value that a schema of the other document allows.

    The engine gets both as a consumer sees them; a counterexample holds for the schemas as they are written too.
    """

    def __init__(self, allowing: Node, forbidding: Node, access: str, *, is_text: bool = False) -> None:
        """Prepare the question. `is_text`: values are sent as text.

        Raises one of `FAILURES` if a schema is too large, or the engine cannot read it.
        """
        wide = SchemaWriter(forbidding.normal, access, is_allowing=False)
        self._forbidding = wide.write(forbidding)
        narrow = SchemaWriter(allowing.normal, access, is_allowing=True, is_closed=True)
        self._allowing = narrow.write(allowing)
        if is_text:
            self._allowing = _as_sent(self._allowing)
        self._allowing = _with_wider_texts(self._allowing, _limits_of_texts(self._forbidding))
        self._nodes = allowing, forbidding
        self._access = access
        self._is_text = is_text
        self.size = wide.count + narrow.count

    @cached_property
    def _canonical(self) -> tuple[Any, Any]:
        """The schema that allows and the one that must allow it too, in the engine's canonical form.

        Texts are limited to representatives if they are decided that way.
        """
        allowing, forbidding = self._allowing, self._forbidding
        if self._is_text:
            with suppress(UndecidedError):
                scalars = representatives(allowing, forbidding)
                node = self._nodes[1]
                wide = SchemaWriter(node.normal, self._access, is_allowing=False, scalars=scalars)
                allowing, forbidding = _as_sent(allowing, {"enum": scalars}), wide.write(node)
        return _canonical(allowing), _canonical(forbidding)

    @cached_property
    def _canonical_as_written(self) -> tuple[Any, Any]:
        """The two schemas as they are in the documents, in the engine's canonical form."""
        allowing, forbidding = self._as_written
        return _canonical(allowing), _canonical(forbidding)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the second schema allows every value of the first: `proven`, `refuted` or `undecided`."""
        from jsonschema_rs import ReferencingError, canonical

        try:
            allowing, forbidding = self._canonical
            containment = forbidding.covers(allowing)
            is_unknown = containment == canonical.Containment.UNKNOWN
            is_not_proven = containment != canonical.Containment.YES
            # A text that some value is sent as has a reading that the other schema allows too. Any other value that a
            # consumer sees is valid as the schema is written, which is easier to decide.
            if (is_not_proven and self._is_text) or (is_unknown and self.allows_as_written):
                allowing, forbidding = self._canonical_as_written
                if forbidding.covers(allowing) == canonical.Containment.YES:
                    return "proven"
        except (*FAILURES, ReferencingError):
            return "undecided"
        if containment == canonical.Containment.YES:
            return "proven"
        if containment == canonical.Containment.NO:
            return "refuted"
        return "undecided"

    def difference(self) -> Any:
        """Return a schema of the values that only the first schema allows.

        Raises one of `FAILURES` if the engine cannot compute it.
        """
        allowing, forbidding = self._canonical
        return allowing.subtract(forbidding).to_json_schema()

    def is_counterexample(self, value: Any) -> bool:
        """Return whether only the first schema allows a value, as a consumer sees them and as they are written."""
        allowing, forbidding = self._validators
        return all(schema.is_valid(value) for schema in allowing) and all(
            is_rejected(value, schema, is_text=self._is_text) for schema in forbidding
        )

    @cached_property
    def allows_as_written(self) -> bool:
        """Whether the first schema allows a consumer exactly the values that it allows as written, flags ignored."""
        node = self._nodes[0]
        visible, written = (
            SchemaWriter(node.normal, access, is_allowing=True).write(node) for access in (self._access, "")
        )
        return visible == written

    @cached_property
    def _as_written(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two schemas as they are in the documents."""
        allowing, forbidding = (SchemaWriter(node.normal, "", is_allowing=False).write(node) for node in self._nodes)
        if self._is_text:
            allowing = _as_sent(allowing)
        return allowing, forbidding

    @cached_property
    def _validators(self) -> tuple[list[Any], list[Any]]:
        """The engine's validators of both schemas, each as a consumer sees it and as it is written."""
        as_written = self._as_written
        allowing, forbidding = (self._allowing, as_written[0]), (self._forbidding, as_written[1])
        return list(map(validator, allowing)), list(map(validator, forbidding))


def names_validator(node: Node) -> Any:
    """Return the engine's validator of the values of a schema that have no undeclared names.

    Raises one of `FAILURES` if the schema is too large.
    """
    writer = SchemaWriter(node.normal, "", is_allowing=True, is_closed=True, limit=_MOST_SCHEMAS)
    return validator(writer.write(node))


class Overlaps:
    """The values that alternatives of two documents have in common, as a consumer sees them.

    A value that meets one alternative of the allowing document alone has no property that only others declare, unless
    a schema beside the alternatives declares it too.
    """

    def __init__(self, allowing: Node, choice: Alternatives, access: str) -> None:
        """Prepare the overlaps with the alternatives that the allowing schema offers."""
        self._access = access
        self._beside = declared_names(allowing, but=choice)
        self._writers: dict[Node, tuple[SchemaWriter, dict[str, Any]]] = {}
        self._forms: dict[Node, Any] = {}

    def size(self, *nodes: Node) -> int:
        """Return how many schemas the nodes contain together.

        Raises one of `FAILURES` if one is too large, or has properties that are in no value.
        """
        return sum(self._written(node)[0].count for node in nodes)

    def are_within(self, branch: Node, opposite: Node, containing: Node | None) -> bool:
        """Return whether the engine proves that `containing` allows each value that `branch` and `opposite` allow.

        `branch` is the alternative of the allowing document. `containing` is None for a schema without values. Raises
        one of `FAILURES` as `size` does.
        """
        from jsonschema_rs import ReferencingError, canonical

        try:
            common = self._canonical_of_sent(branch).intersect(self._canonical(opposite))
            outer = _canonical({"not": {}})
            if containing is not None:
                outer = self._canonical(containing)
            return bool(outer.covers(common) == canonical.Containment.YES)
        except (*FAILURES, ReferencingError):
            return False

    def _canonical_of_sent(self, branch: Node) -> Any:
        """Return the canonical form of an alternative with the names that are declared in it or beside it."""
        _, schema = self._written(branch)
        if is_open(branch, self._beside):
            return self._canonical(branch)
        names = declared_names(branch).union(self._beside)
        return _canonical({**schema, "allOf": [*schema["allOf"], schema_with_names(names)]})

    def _canonical(self, node: Node) -> Any:
        """Return the canonical form of a schema."""
        if node not in self._forms:
            _, schema = self._written(node)
            self._forms[node] = _canonical(schema)
        return self._forms[node]

    def _written(self, node: Node) -> tuple[SchemaWriter, dict[str, Any]]:
        """Return a schema and its writer; raises `LookupError` unless a consumer sees the schema as it is written."""
        if node not in self._writers:
            writers = [SchemaWriter(node.normal, flag, is_allowing=False) for flag in (self._access, "")]
            visible, written = (writer.write(node) for writer in writers)
            if visible != written:
                raise LookupError(self._access)
            self._writers[node] = writers[0], written
        return self._writers[node]


def _as_sent(schema: dict[str, Any], scalars: Any = SCALARS) -> dict[str, Any]:
    """Return a schema of the same values without those that no texts stand for, and without other scalars."""
    return {**schema, "allOf": [*schema["allOf"], sent_as_text(scalars)]}


def _canonical(schema: dict[str, Any]) -> Any:
    """Return the engine's canonical form of a schema; raises `LookupError` if it has too many combinations."""
    from jsonschema_rs import canonicalize

    if not Combinations(schema, "").are_bounded(schema):
        raise LookupError("combinations")
    return canonicalize(schema, draft=20, validate_formats=True, offline=True)


def _with_wider_texts(schema: Any, limits: Mapping[str, Any]) -> Any:
    """Return an equivalent schema that adds, to patterns and lengths, the schemas in `limits` that allow their texts.

    The keys of `limits` are patterns.
    """
    if not isinstance(schema, dict):
        return schema
    changed = map_subschemas(schema, SUBSCHEMAS, lambda inner: _with_wider_texts(inner, limits))
    narrow = limits_of_text(schema)
    wider = [limit for pattern, limit in limits.items() if narrow and _is_wider(pattern, limit, schema)]
    if not wider:
        return changed
    if schema.get("type") != "string":
        wider = [{"anyOf": [{"not": {"type": "string"}}, {"allOf": wider}]}]
    return {"allOf": [changed, *wider]}


def _is_wider(pattern: str, limit: Any, schema: dict[str, Any]) -> bool:
    """Return whether a pattern certainly matches each text that a schema allows, which the engine does not know.

    `limit` is a schema of the texts that the pattern matches.
    """
    bounds = limit.keys() & {"minLength", "maxLength"} if limit else set()
    if limit == {"pattern": schema.get("pattern")} or ((bounds or not limit) and "pattern" not in schema):
        # The engine itself compares equal patterns, and lengths.
        return False
    if any(limit.items() == {(word, schema.get(word))} for word in bounds):
        return False
    narrow = limits_of_text(schema)
    if "pattern" in schema and contains(pattern, schema["pattern"]).is_contained:
        return True
    return bool(contains(pattern, *narrow).is_contained)


def _limits_of_texts(schema: Any) -> dict[str, Any]:
    """Return the patterns of the texts that the schemas in a schema allow, each with a schema of these texts.

    They include a pattern without texts.
    """
    limits: dict[str, Any] = {NO_TEXT: False}
    for inner in schemas_in(schema):
        limits |= limits_of_text(inner)
        texts = [value for value in inner.get("enum", ()) if isinstance(value, str)]
        if texts:
            limits[f"^({'|'.join(map(re.escape, texts))})$"] = {"enum": texts}
    return limits
