"""Reads all that the operations of a document use, and finds the schemas that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.drift.compare_parameters import read_parameters, read_value
from pytest_bctrl.drift.compare_responses import read_responses
from pytest_bctrl.drift.constraints import is_number
from pytest_bctrl.drift.node import TYPES, reachable
from pytest_bctrl.drift.report import Place
from pytest_bctrl.drift.spec import Part, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_bctrl.drift.match import Operation
    from pytest_bctrl.drift.node import Held, Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.pair import Sides
    from pytest_bctrl.drift.report import Report
    from pytest_bctrl.drift.spec import Spec


def used_schemas(spec: Spec, operations: Iterable[Operation]) -> Iterator[Schema]:
    """Yield the schemas that operations name, reading all that these are made of.

    Raises `DocumentError` where a part of one cannot be read.
    """
    for operation in operations:
        for parameter in read_parameters(spec, operation).values():
            yield parameter.schema
        bodies = [spec.resolve(operation.part / "requestBody"), *read_responses(spec, operation).values()]
        for body in bodies:
            for _, header in spec.members(body / "headers"):
                yield read_value(spec, spec.resolve(header))[0]
            for _, media in spec.members(body / "content"):
                if spec.mapping(media).get("schema") is not None:
                    yield (media / "schema",)


def read_schemas(normal: Normalizer, schemas: Iterable[Schema]) -> None:
    """Read schemas to their end, those in short that are written in the commonest words: most are.

    What they lead to counts as used. Raises `DocumentError` where a part of them cannot be read.
    """
    components = (normal.spec.root / "components" / "schemas").value
    skim = _Skim(components if isinstance(components, dict) else {})
    known: dict[Node, Held] = {}

    def read(schema: Schema) -> None:
        if not all(skim.schema(part.value) for part in schema):
            known.update(reachable([normal.node(schema)], known))

    for schema in schemas:
        read(schema)
    for name in skim.refs:
        pointer = f"{_SCHEMAS}{escape(name)}"
        normal.spec.seen.add(pointer)
        read((Part(components[name], pointer),))


class _Skim:
    """Tells schemas of which no word needs a second look, and keeps in `refs` what they lead to."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self.refs: list[str] = []
        self._met: set[str] = set()
        self._components = components
        self._words: dict[str, Callable[[Any], bool]] = {
            **dict.fromkeys(("items", "additionalProperties"), self.schema),
            **dict.fromkeys(("anyOf", "oneOf"), self._branches),
            **dict.fromkeys(("maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems"), is_number),
            **dict.fromkeys(("nullable", "readOnly", "writeOnly", "deprecated"), lambda value: isinstance(value, bool)),
            **dict.fromkeys(("format", "pattern"), lambda value: isinstance(value, str)),
            **dict.fromkeys(("default", "example", "title", "description"), lambda _: True),
            **dict.fromkeys(
                ("enum", "required"), lambda value: isinstance(value, list) and set(map(type, value)) <= {str}
            ),
            "type": lambda value: isinstance(value, str) and value in TYPES,
            "properties": lambda value: isinstance(value, dict) and all(map(self.schema, value.values())),
        }

    def schema(self, value: Any) -> bool:
        """Tell whether a schema can be read, if that is easily told."""
        if not isinstance(value, dict):
            return isinstance(value, bool)
        if "$ref" in value:
            return self._ref(value)
        return all(
            word in self._words and self._words[word](inner) for word, inner in value.items() if word[:2] != "x-"
        )

    def _ref(self, value: dict[str, Any]) -> bool:
        name = str(value["$ref"]).removeprefix(f"#{_SCHEMAS}")
        target = self._components.get(name)
        if len(value) > 1 or not isinstance(target, dict) or target.keys() & _LEADS_ON:
            return False
        if name not in self._met:
            self._met.add(name)
            self.refs.append(name)
        return True

    def _branches(self, value: Any) -> bool:
        if not isinstance(value, list):
            return False
        return all(isinstance(one, dict) and not one.keys() & _ALTERNATIVES and self.schema(one) for one in value)


_ALTERNATIVES = {"anyOf", "oneOf"}
_LEADS_ON = {"$ref", "$dynamicRef", "allOf", *_ALTERNATIVES}
_SCHEMAS = "/components/schemas/"


def note_unused_schemas(sides: Sides, report: Report) -> None:
    """Note component schemas that no operation leads to and that have no equal on the other side, whatever its name."""
    before, after = _components(report.base), _components(report.revision)
    # Both are looked at before any is compared: what is compared counts as used from then on.
    gone = [part for pointer, part in before.items() if pointer not in after and pointer not in report.base.seen]
    come = [part for pointer, part in after.items() if pointer not in before and pointer not in report.revision.seen]
    for part in gone:
        if not any(sides.equal((part,), (other,)) for other in after.values()):
            name = part.pointer.rpartition("/")[2]
            report.add("api-schema-removed", Place(location="schemas"), name, None, part.pointer)
    for part in come:
        if not any(sides.equal((other,), (part,)) for other in before.values()):
            name = part.pointer.rpartition("/")[2]
            report.add("api-schema-added", Place(location="schemas"), None, name, "", part.pointer)


def _components(spec: Spec) -> dict[str, Part]:
    return {part.pointer: part for _, part in spec.members(spec.root / "components" / "schemas")}
