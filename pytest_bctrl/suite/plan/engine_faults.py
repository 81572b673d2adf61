"""Known faults of the other engines, which reject values that the standard allows; they do not fail a run.

Each is listed with a minimal example and its upstream issue. A fault that is not listed is reported as a
finding: report it upstream, then add it here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.engine import accepts, conforms_to_format, matches
from pytest_bctrl.contract.model import Contract, covers_media_type
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.suite.plan.engine_violations import ENGINES


@dataclass(frozen=True, slots=True)
class EngineFault:
    """One fault; `applies` checks whether a reported error is due to it, `example` shows it."""

    engine: str
    what: str
    example: str
    upstream: str
    applies: Callable[[Response, Any], bool]


def _is_ecma_pattern(response: Response, error: Any) -> bool:
    """Return whether jsonschema rejects a text for a pattern that matches by ECMA-262, or may do so in `oneOf` etc."""
    if error.validator == "pattern":
        return isinstance(error.instance, str) and matches(error.validator_value, error.instance)
    return _is_undecided(response, error, ("pattern", "patternProperties"))


def _is_float_step(response: Response, error: Any) -> bool:
    """Return whether jsonschema rejects a decimal multiple for `multipleOf`, or may do so in `oneOf` etc."""
    if error.validator != "multipleOf":
        return _is_undecided(response, error, ("multipleOf",))
    return Decimal(str(error.instance)) % Decimal(str(error.validator_value)) == 0


def _is_known_format(response: Response, error: Any) -> bool:
    """Return whether jsonschema rejects a text that conforms to its format, or may do so in `oneOf` etc."""
    if error.validator == "format":
        return conforms_to_format(error.instance, error.validator_value)
    return _is_undecided(response, error, ("format",))


def _is_undecided(response: Response, error: Any, keywords: tuple[str, ...]) -> bool:
    """Return whether a combining keyword around one of `keywords` fails, though the body is valid by our engine."""
    text = json.dumps(error.validator_value, default=str)
    has_keyword = any(f'"{keyword}": ' in text for keyword in keywords)
    return error.validator in _COMBINING and response.conforms and has_keyword


_COMBINING = frozenset({"oneOf", "anyOf", "not", "if", "contains", "additionalProperties", "propertyNames"})
_COMBINING |= {"unevaluatedProperties", "unevaluatedItems", "dependentSchemas"}


_YAML = re.compile(r"(application|text)/(yaml|x-yaml|vnd\.yaml|[^/]+\+yaml)")


def _is_readable_yaml(response: Response, failure: Any) -> bool:
    """Return whether a failure says that Schemathesis cannot read a body, and the body has valid YAML syntax."""
    if type(failure).__name__ != "ContentDeserializationError" or not _YAML.fullmatch(response.media_type):
        return False
    import yaml

    try:
        # Without a constructor: a tag may name any type, and a stream may have several documents (YAML 1.2, 9.2).
        for _event in yaml.parse(response.body, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            pass
    except yaml.YAMLError:
        return False
    return True


def _is_valid_yaml(response: Response, failure: Any) -> bool:
    """Return whether Schemathesis rejects a YAML body that a documented schema accepts."""
    if type(failure).__name__ != "JsonSchemaError" or not _YAML.fullmatch(response.media_type):
        return False
    content = response.documented.content if response.documented else {}
    schemas = [schema for media, schema in content.items() if covers_media_type(media, response.media_type)]
    try:
        data = read_yaml(response.body.decode(), "the body")
    except (DocumentError, UnicodeDecodeError):
        return False
    return any(accepts(response.contract, schema, data) for schema in schemas)


_PROPERTY_ESCAPE = re.compile(r"\\[pP](\{|[A-Z])")
"""An escape of a Unicode property, such as `\\p{L}`."""


def _is_latin_pattern(response: Response, failure: Any) -> bool:
    """Return whether Schemathesis rejects a text for a pattern with `\\p{…}`, or may do so in `oneOf` etc."""
    if type(failure).__name__ != "JsonSchemaError" or not failure.schema_path or not response.conforms:
        return False
    is_about_patterns = str(failure.schema_path[-1]) in {"pattern", *_COMBINING}
    return is_about_patterns and _has_property_escape(response.contract)


@lru_cache(maxsize=8)
def _has_property_escape(contract: Contract) -> bool:
    """Return whether a contract has a pattern with the escape of a Unicode property."""
    patterns = (part.value.get("pattern") for part in keyword_objects(contract.document))
    return any(isinstance(pattern, str) and _PROPERTY_ESCAPE.search(pattern) for pattern in patterns)


ENGINE_FAULTS = (
    EngineFault(
        ENGINES["jsonschema"],
        "patterns are Python's, not those of ECMA 262: \\w and \\d are letters and digits of every script",
        '{"pattern": "^\\\\W$"} rejects "é"',
        "https://github.com/python-jsonschema/jsonschema/issues/607",
        _is_ecma_pattern,
    ),
    EngineFault(
        ENGINES["jsonschema"],
        "multipleOf divides floats",
        '{"multipleOf": 0.1} rejects 10.1',
        "https://github.com/python-jsonschema/jsonschema/issues/810",
        _is_float_step,
    ),
    EngineFault(
        ENGINES["jsonschema"],
        "a format is read more strictly than its RFC, such as regex by Python's re",
        '{"format": "regex"} rejects "\\\\p{L}"',
        "https://github.com/python-jsonschema/jsonschema/issues/607",
        _is_known_format,
    ),
    EngineFault(
        ENGINES["schemathesis"],
        "YAML with several documents, or with a tag or value that PyYAML's safe loader does not know, is rejected",
        "a YAML body of =",
        "https://github.com/yaml/pyyaml/issues/89",
        _is_readable_yaml,
    ),
    EngineFault(
        ENGINES["schemathesis"],
        "YAML is read by version 1.1, in which 12:30 and 1_000 are integers",
        '{"type": "string"} rejects the YAML body 12:30',
        "https://github.com/yaml/pyyaml/issues/116",
        _is_valid_yaml,
    ),
    EngineFault(
        ENGINES["schemathesis"],
        "\\p{…} in a pattern matches only characters of some scripts, such as Latin letters for \\p{L}",
        '{"pattern": "^\\\\p{L}$"} rejects "Ω"',
        "tests/suite/test_engine_bodies.py::test_a_listed_engine_fault_is_not_a_finding",
        _is_latin_pattern,
    ),
)
"""The known faults of all engines."""


def is_engine_fault(engine: str, response: Response, error: Any) -> bool:
    """Return whether an error that an engine reports is a known fault of that engine."""
    return any(fault.applies(response, error) for fault in ENGINE_FAULTS if fault.engine == engine)
