"""`pytest_bctrl.schema()` and the fixture `bctrl_schema`: the contract in force as a Schemathesis schema."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.references import keyword_objects, rewrite_objects
from pytest_bctrl.suite.run import require_extra


def schema() -> Any:
    """Return the contract in force as a Schemathesis schema, for `@schema().parametrize()` in a test module.

    Inside a run of pytest it is the contract of that run, as its options and its rootdir have it; elsewhere that of
    the working directory. Each call makes a new one, whose `config` is the caller's.

    It generates what conforms to the contract, since `bctrl_client` sends safe methods alone, each with the right key,
    and leaves out Schemathesis's check of credentials, which sends requests of its own and cannot see that key.

    Raises `SettingError` where the extra `contract` is not installed, and `DocumentError` for a contract that cannot
    be read.
    """
    require_extra("pytest_bctrl.schema()")
    return for_tests(current_contract())


def for_tests(contract: Contract) -> Any:
    """Return a new Schemathesis schema of a contract, set up for tests that send their cases with `bctrl_client`."""
    from schemathesis import GenerationMode

    made = new_schema(contract)
    made.config.generation.update(modes=[GenerationMode.POSITIVE])
    made.config.checks.update(excluded_check_names=["ignored_auth"])
    return made


def new_schema(contract: Contract) -> Any:
    """Return a new Schemathesis schema of a contract, untouched by any configuration file of the project around.

    It has no `writeOnly`: an annotation, by which Schemathesis refuses what the schema of an answer requires, and no
    discriminator that contradicts its own property. Nor has a path or an operation servers of its own: requests go to
    the target, whatever stands there. No keyword stands beside a reference at the root of a schema.
    """
    import schemathesis
    from schemathesis.config import SchemathesisConfig

    def readable(schema: dict[str, Any]) -> dict[str, Any]:
        without = {"writeOnly", "servers", *(["discriminator"] if _excludes_its_kinds(schema) else [])}
        return {key: value for key, value in schema.items() if key not in without}

    def readable_root(schema: dict[str, Any]) -> dict[str, Any]:
        return _with_separate_reference(readable(schema))

    changes = {one.pointer: readable_root if one.is_root else readable for one in keyword_objects(contract.document)}
    # A server is what its variables make of it; one of a variable that nobody defines is none.
    servers = [{"url": url} for url in contract.servers if "{" not in url] or [{"url": "/"}]
    made = {**rewrite_objects(contract.document, changes), "servers": servers}
    schema = schemathesis.openapi.from_dict(made, config=SchemathesisConfig())
    # Without a codec it generates the same characters as with UTF-8. Hypothesis then builds no table of the codec,
    # which would take 200 MB and a second in the first run of each project.
    schema.config.generation.codec = None
    return schema


def _with_separate_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of the same meaning that has no keyword beside its `$ref`.

    Schemathesis 4.32 replaces the reference of a root schema by the keywords of its target, if no keyword is in both.
    That changes their meaning: `{"$ref": B, "else": false}` accepts every value if B is `{"if": false}`, whereas
    `{"if": false, "else": false}` rejects every value. The same is true of `contains` and `minContains`.
    """
    if "$ref" not in schema or len(schema) == 1:
        return schema
    siblings = {key: value for key, value in schema.items() if key != "$ref"}
    return {**siblings, "allOf": [{"$ref": schema["$ref"]}, *siblings.get("allOf", [])]}


def _excludes_its_kinds(schema: dict[str, Any]) -> bool:
    """Whether no value that the property of a discriminator may have is one that it maps: then it says nothing."""
    said, properties = schema.get("discriminator"), schema.get("properties")
    if not isinstance(said, dict) or not isinstance(properties, dict) or not said.get("mapping"):
        return False
    own = properties.get(said.get("propertyName"))
    return isinstance(own, dict) and "enum" in own and said["mapping"].keys().isdisjoint(map(str, own["enum"]))
