"""The published schema, and the rules beyond it, as the second opinion reads them."""

import datetime
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

SPEC = Path(__file__).parents[2] / "contracts" / "runtimes.openapi.yaml"

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d|\d{8})[Tt](?P<hour>\d\d):?(?P<minute>\d\d):?(?P<second>\d\d)"
    r"(?:[.,](?P<fraction>\d+))?(?:[Zz]|(?P<sign>[+-])(?P<off_hour>\d\d):?(?P<off_minute>\d\d))?",
    re.ASCII,
)


def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("uuid")(lambda value: not isinstance(value, str) or bool(_UUID.fullmatch(value)))
    return checker


def instant(text: str) -> Fraction | None:
    """The seconds since year 1 that an ISO 8601 time stands for, UTC where it has no zone; else None."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second, off_hour, off_minute = (
        int(match[name] or 0) for name in ("hour", "minute", "second", "off_hour", "off_minute")
    )
    try:
        day = datetime.date.fromisoformat(match["date"]).toordinal()
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 60 or off_hour > 23 or off_minute > 59:
        return None
    offset = (off_hour * 60 + off_minute) * (-60 if match["sign"] == "-" else 60)
    fraction = match["fraction"] or "0"
    return day * 86400 + hour * 3600 + minute * 60 + second - offset + Fraction(int(fraction), 10 ** len(fraction))


@dataclass(frozen=True)
class Published:
    """The spec as a document, and a validator for the body of its 200."""

    spec: Any
    schema: Any
    validator: Draft202012Validator

    @classmethod
    def read(cls) -> "Published":
        """The spec that the repository vendors."""
        spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
        (operations,) = spec["paths"].values()
        schema = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": spec["components"]}
        return cls(spec, schema, Draft202012Validator(whole, format_checker=_formats()))

    def complaints(self, document: Any, space_id: str) -> set[str]:
        """Which of `schema`, `undocumented` and `invariants` a document breaks."""
        if not self.validator.is_valid(document):
            return {"schema"}
        found = set()
        if self.strangers(document):
            found.add("undocumented")
        if not _keeps_invariants(document["runtimes"], space_id):
            found.add("invariants")
        return found

    def strangers(self, document: Any) -> list[str]:
        """The names of the properties that the spec does not document; the document must be valid."""
        return self._strangers(self.schema, document)

    def _strangers(self, schema: Any, value: Any) -> list[str]:
        schema = self._resolved(schema)
        for branch in schema.get("oneOf", ()):
            if value["kind"] in self._resolved(branch)["properties"]["kind"]["enum"]:
                return self._strangers(branch, value)
        if isinstance(value, list):
            return [name for item in value for name in self._strangers(schema["items"], item)]
        if not isinstance(value, dict) or "additionalProperties" in schema:
            return []
        known = schema["properties"]
        deeper = [name for key in value.keys() & known for name in self._strangers(known[key], value[key])]
        return [*(value.keys() - known), *deeper]

    def _resolved(self, schema: Any) -> Any:
        while "$ref" in schema:
            schema = self.spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


def _keeps_invariants(runtimes: list[dict[str, Any]], space_id: str) -> bool:
    return len({runtime["id"].lower() for runtime in runtimes}) == len(runtimes) and all(
        runtime["spaceId"].lower() == space_id.lower() and runtime["kind"] == runtime["type"] and _in_order(runtime)
        for runtime in runtimes
    )


def _in_order(runtime: dict[str, Any]) -> bool:
    created, updated = instant(runtime["createdAt"]), instant(runtime["updatedAt"])
    return created is not None and updated is not None and created <= updated
