"""Finds security that a document describes and does not apply, and returns the overlay that applies it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_bctrl.contract.document import unescape_token
from pytest_bctrl.contract.outline import (
    RawOperation,
    RawParameter,
    operations,
    parameters,
    security_part,
    security_schemes,
)
from pytest_bctrl.contract.overlay import Action, path_segment, quoted
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.secrets.names import is_credential_name

Field = tuple[str, str]
"""Where a request has a credential: `header`, `query` or `cookie`, and the name, in lower case for a header."""

AUTHORIZATION: Field = ("header", "authorization")

_KEY = re.compile(r"(?i)(?!.*[cx]srf).*(key|token|authorization)")
_KEY_IN_QUERY = re.compile(r"(?i)(x[-_])?(api|access|auth|subscription|app|client)[-_]?(key|token)")


class UnappliedSecurity(NamedTuple):
    """Security that no `security` of the document applies, although its operations may need it.

    - `reason` describes it in one phrase.
    - `operations` are the labels of the operations that it may belong to. None of them has a `security`.
    - `schemes` are the definitions that may be meant, by name; none if the document does not mention credentials.
    - `derived` are the names of those that the document does not define, and a parameter stands for.
    - `targets` are the JSONPaths of the objects whose `security` applies a scheme to the operations.
    - `parameters` are the JSONPaths of the parameters that carry credentials, each with its field.
    """

    reason: str
    operations: frozenset[str]
    schemes: Mapping[str, Mapping[str, Any]] = {}
    derived: frozenset[str] = frozenset()
    targets: Sequence[str] = ()
    parameters: Sequence[tuple[Field, str]] = ()

    @property
    def scheme(self) -> str:
        """The name of the scheme that is meant; empty if there are several, or none."""
        return next(iter(self.schemes)) if len(self.schemes) == 1 else ""

    def overlay(self, name: str) -> dict[str, Any]:
        """Return the overlay that applies the scheme of this name and removes the parameters of its field."""
        description = f"{self.reason[:1].upper()}{self.reason[1:]}, so tools treat the operations as public."
        scheme = self.schemes[name]
        actions: list[Action] = []
        if name in self.derived:
            actions.append({"target": "$", "update": {"components": {"securitySchemes": {name: scheme}}}})
        return {
            "overlay": "1.0.0",
            "info": {"title": description, "version": "1.0.0"},
            "actions": [
                *actions,
                *({"target": target, "update": {"security": [{name: []}]}} for target in self.targets),
                *({"target": path, "remove": True} for field, path in self.parameters if field == _field_of(scheme)),
            ],
        }


def find_unapplied(spec: Spec) -> UnappliedSecurity | None:
    """Return the security that a document describes without applying it; None if it says which operations need any.

    A `security` of an operation or of the document is the statement of its author, also an empty one.
    """
    every = operations(spec)
    unstated = [operation for operation in every if security_part(spec, operation).value is None]
    if not unstated:
        return None
    defined = {name: part.value for name, part in security_schemes(spec).items()}
    documented = {_field_of(scheme) for scheme in defined.values()}
    credentials = [(operation, list(_credential_parameters(spec, operation, documented))) for operation in unstated]
    if any(raw for _, raw in credentials):
        return _described_by_parameters(spec, credentials, defined)
    if any(security_part(spec, operation).value for operation in every):
        return None
    labels = frozenset(operation.label for operation in unstated)
    if defined:
        reason = f"no operation applies the security {_listed('scheme', defined)}"
        return UnappliedSecurity(reason, labels, defined, targets=("$",))
    return UnappliedSecurity("the document documents no security", labels) if len(unstated) == len(every) else None


def with_unapplied_schemes(part: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the valid part of a document with the security schemes of the document, if no operation applies any.

    Without them, it has only what its operations refer to.
    """
    components, paths = document.get("components"), document.get("paths")
    items = [item for item in paths.values() if isinstance(item, Mapping)] if isinstance(paths, Mapping) else []
    owners = [document, *(owner for item in items for owner in item.values() if isinstance(owner, Mapping))]
    if not isinstance(components, Mapping) or any(owner.get("security") for owner in owners):
        return dict(part)
    schemes = {"securitySchemes": components.get("securitySchemes", {})}
    return {**part, "components": {**part.get("components", {}), **schemes}}


def _listed(noun: str, names: Collection[str]) -> str:
    """Return names after a noun in its number."""
    return f"{noun if len(names) == 1 else f'{noun}s'} {', '.join(names)}"


def _field_of(scheme: Mapping[str, Any]) -> Field | None:
    """Return where a request has the credential of a scheme; None for a client certificate."""
    if scheme.get("type") == "apiKey":
        return _field(str(scheme.get("in")), str(scheme.get("name")))
    return None if scheme.get("type") == "mutualTLS" else AUTHORIZATION


def _field(in_: str, name: str) -> Field:
    """Return a field, with the name of a header in lower case."""
    return in_, name.lower() if in_ == "header" else name


def _credential_parameters(
    spec: Spec, operation: RawOperation, documented: Collection[Field | None]
) -> Iterator[RawParameter]:
    """Yield the parameters of an operation that carry a credential: of a scheme's field, or of a conventional name."""
    for parameter in parameters(spec, operation).values():
        field = _field(parameter.in_, parameter.name)
        if field in documented or field == AUTHORIZATION or _is_conventional(parameter):
            yield parameter


def _is_conventional(parameter: RawParameter) -> bool:
    """Return whether a parameter has the name of an API key or token, and not that of another credential."""
    if parameter.in_ == "query":
        return _KEY_IN_QUERY.fullmatch(parameter.name) is not None
    is_key = parameter.in_ == "cookie" or (parameter.in_ == "header" and _KEY.fullmatch(parameter.name) is not None)
    return is_key and is_credential_name(parameter.name)


def _described_by_parameters(
    spec: Spec,
    credentials: Sequence[tuple[RawOperation, Sequence[RawParameter]]],
    defined: Mapping[str, Mapping[str, Any]],
) -> UnappliedSecurity:
    """Return the security that parameters describe: the schemes of the same fields, else one derived from each."""
    matches = [(operation, described) for operation, described in credentials if described]
    by_field = {_field(raw.in_, raw.name): raw for _, described in matches for raw in described}
    schemes = {name: scheme for name, scheme in defined.items() if _field_of(scheme) in by_field}
    covered, derived = {*map(_field_of, schemes.values())}, []
    for parameter in (raw for field, raw in by_field.items() if field not in covered):
        name, scheme = _derived_scheme(parameter)
        while name in schemes or name in defined:
            name += "_"
        derived.append(name)
        schemes[name] = scheme
    labels = [operation.label for operation, _ in matches]
    subject = labels[0] if len(labels) == 1 else f"{len(labels)} operations"
    names = _listed("parameter", [f"{raw.name} ({raw.in_})" for raw in by_field.values()])
    targets = ["$"] if len(matches) == len(credentials) else [_json_path(operation.part) for operation, _ in matches]
    paths = [path for operation, _ in matches for path in _parameter_paths(spec, operation, by_field)]
    return UnappliedSecurity(
        f"no security applies to {subject} with the {names}",
        frozenset(labels),
        schemes,
        frozenset(derived),
        list(dict.fromkeys(targets)),
        list(dict.fromkeys(paths)),
    )


def _derived_scheme(parameter: RawParameter) -> tuple[str, dict[str, str]]:
    """Return name and definition of the scheme that a parameter stands for; `Authorization` has a bearer token."""
    if _field(parameter.in_, parameter.name) != AUTHORIZATION:
        return "apiKey", {"type": "apiKey", "in": parameter.in_, "name": parameter.name}
    texts = f"{parameter.part.value.get('description')} {parameter.part.value.get('example')}"
    if re.search(r"(?i)\bbasic\b", texts) and not re.search(r"(?i)\bbearer\b", texts):
        return "basicAuth", {"type": "http", "scheme": "basic"}
    return "bearerAuth", {"type": "http", "scheme": "bearer"}


def _parameter_paths(spec: Spec, operation: RawOperation, fields: Collection[Field]) -> Iterator[tuple[Field, str]]:
    """Yield field and JSONPath of parameters in the lists of an operation and its path item; one path for all paths."""
    for holder in (operation.item, operation.part):
        for item in spec.items(holder / "parameters"):
            resolved = spec.resolve(item, "parameters")
            in_, name = resolved.value["in"], resolved.value["name"]
            if _field(in_, name) not in fields:
                continue
            condition = f"@.in == {quoted(in_)} && @.name == {quoted(name)}"
            if item.pointer != resolved.pointer:
                condition = f"@['$ref'] == {quoted(item.value['$ref'])}"
            yield _field(in_, name), f"{_shared_json_path(holder)}.parameters[?{condition}]"


def _shared_json_path(holder: Part) -> str:
    """Return the JSONPath of all path items, or of all their operations, if a part is one; else that of the part."""
    if re.fullmatch(r"/paths/[^/]+", holder.pointer):
        return "$.paths.*"
    return "$.paths.*.*" if re.fullmatch(r"/paths/[^/]+/[^/]+", holder.pointer) else _json_path(holder)


def _json_path(part: Part) -> str:
    """Return the JSONPath of a part."""
    return "$" + "".join(path_segment(unescape_token(token)) for token in part.pointer.split("/")[1:])
