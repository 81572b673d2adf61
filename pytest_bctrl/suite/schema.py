"""`pytest_bctrl.schema()` and the fixture `bctrl_schema`: the contract in force as a Schemathesis schema."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.references import keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema.ref import flatten, listed_values


def schema() -> Any:
    """Return the contract in force as a Schemathesis schema, for `@schema().parametrize()` in a test module.

    During a pytest run this is the contract of the run, according to its options and rootdir; otherwise it is that of
    the working directory. Each call returns a new schema, whose `config` the caller may change.

    The schema generates only valid requests, each of which `bctrl_client` sends with the right key. It excludes the
    credential check of Schemathesis, which sends further requests without that key.

    Raises `DocumentError` for a contract that cannot be read.
    """
    return for_tests(current_contract())


def for_tests(contract: Contract) -> Any:
    """Return a new Schemathesis schema of a contract, configured for tests that use `bctrl_client`."""
    from schemathesis import GenerationMode

    schema = new_schema(contract)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE])
    schema.config.checks.update(excluded_check_names=["ignored_auth"])
    return schema


def new_schema(contract: Contract) -> Any:
    """Return a new Schemathesis schema of a contract, independent of the project's configuration files.

    It omits `writeOnly`, because of which Schemathesis rejects properties that a response schema requires, and
    discriminators that contradict their own property. It also omits the servers of paths and operations, since requests
    go to the target. A reference at the root of a schema has no other keyword next to it.
    """
    import schemathesis
    from schemathesis.config import SchemathesisConfig

    def readable(schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema without the keywords that Schemathesis misreads."""
        omitted = {"writeOnly", "servers"}
        if _contradicts_property(contract, schema):
            omitted.add("discriminator")
        return {key: value for key, value in schema.items() if key not in omitted}

    def readable_root(schema: dict[str, Any]) -> dict[str, Any]:
        """Return the root of a schema without the misread keywords, and with nothing beside its `$ref`."""
        return _with_separate_reference(readable(schema))

    changes = {}
    for location in keyword_objects(contract.document):
        changes[location.pointer] = readable_root if location.is_root else readable
    # A server with an undefined variable is not usable.
    servers = [{"url": url} for url in contract.servers if "{" not in url] or [{"url": "/"}]
    document = {**rewrite_objects(contract.document, changes), "servers": servers}
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    # Without a codec it generates the same characters as with UTF-8. Hypothesis then builds no table of the codec,
    # which would take 200 MB and a second in the first run of each project.
    schema.config.generation.codec = None
    return schema


def _with_separate_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of the same meaning with no keyword beside a `$ref` at its root, which moves into an `allOf`.

    Schemathesis 4.32 replaces the reference of a root schema by the keywords of its target, if no keyword is in both.
    That changes their meaning: `{"$ref": B, "else": false}` accepts every value if B is `{"if": false}`, whereas
    `{"if": false, "else": false}` rejects every value. The same is true of `contains` and `minContains`.
    """
    if "$ref" not in schema or len(schema) == 1:
        return schema
    siblings = {key: value for key, value in schema.items() if key != "$ref"}
    return {**siblings, "allOf": [{"$ref": schema["$ref"]}, *siblings.get("allOf", [])]}


def _contradicts_property(contract: Contract, schema: dict[str, Any]) -> bool:
    """Return whether a discriminator knows no value that a schema or one of its branches lists for its property.

    A discriminator does not change which values are valid (OpenAPI 3.1.1, 4.8.25). Its values are those of its mapping
    and the names of the branches, and few documents without a mapping list these names.
    """
    discriminator = schema.get("discriminator")
    if not isinstance(discriminator, dict):
        return False
    branches = [branch for keyword in ("oneOf", "anyOf") for branch in schema.get(keyword, ())]
    kinds = set(discriminator.get("mapping") or ())
    kinds |= {branch["$ref"].rpartition("/")[2] for branch in branches if isinstance(branch, dict) and "$ref" in branch}
    listed = [_listed_texts(contract, branch, discriminator.get("propertyName")) for branch in (schema, *branches)]
    return bool(kinds) and any(texts and kinds.isdisjoint(texts) for texts in listed)


def _listed_texts(contract: Contract, schema: Any, name: Any) -> set[str]:
    """Return the values that a schema lists for a property, as text; empty if it lists none."""
    property_schema = flatten(contract, schema).get("properties", {}).get(name, True)
    return set(map(str, listed_values(flatten(contract, property_schema)) or ()))
