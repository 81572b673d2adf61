"""Compares the security requirements of operations by the credentials that are sent; a new name is no change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from pytest_bctrl.contract.outline import (
    Key,
    RawOperation,
    RawParameter,
    security_part,
    security_requirements,
    security_schemes,
)
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.report import Report

Scheme = tuple[str, ...]
Credential = tuple[Scheme, frozenset[str]]
Requirement = frozenset[Credential]
_NOTHING: Requirement = frozenset()


class Security(NamedTuple):
    """The alternatives of which a caller must meet one; an empty requirement needs no credential.

    `written` are the names and scopes of the schemes as the document lists them.
    """

    alternatives: frozenset[Requirement]
    pointer: str
    written: frozenset[Requirement] = frozenset()

    @property
    def is_global(self) -> bool:
        """Whether these are the requirements of the document, which apply to operations without requirements."""
        return self.pointer == "/security"


def scheme_key(spec: Spec, part: Part) -> Scheme:
    """Return a key for the credential of a scheme: kind, location, name; raises `DocumentError` for an unknown kind."""
    kind = spec.text(part / "type")
    if kind == "http":
        return kind, spec.text(part / "scheme").lower()
    if kind == "apiKey":
        name = spec.text(part / "name")
        in_ = spec.text(part / "in")
        if in_ == "header":
            name = name.lower()
        return kind, in_, name
    if kind == "openIdConnect":
        return kind, spec.text(part / "openIdConnectUrl")
    if kind in ("oauth2", "mutualTLS"):
        return (kind,)
    raise spec.error_at(part, "a security scheme has no known type", "apiKey, http, mutualTLS, oauth2 or openIdConnect")


def credential_parameter(scheme: Scheme) -> Key | None:
    """Return the key of the parameter that carries a credential; None if no parameter does."""
    if scheme[0] == "mutualTLS":
        return None
    if scheme[0] == "apiKey":
        return scheme[1], scheme[2]
    return "header", "authorization"


class Demands:
    """The security requirements of the operations of a document."""

    def __init__(self, spec: Spec, keys: dict[str, Scheme], before: dict[str, Scheme] | None = None) -> None:
        """Read the requirements of a document whose schemes have these keys, by name.

        With `before`, the keys of the old document, an undefined name refers to its scheme of that name, if this
        document has that scheme under another name; an alternative with any other undefined name is omitted.
        """
        self._spec, self._is_strict = spec, before is None
        renamed = {name: key for name, key in (before or {}).items() if key in keys.values()}
        self._keys = {**renamed, **keys}
        self._cache: dict[str, Security] = {}

    def of(self, operation: RawOperation) -> Security:
        """Return the security requirements of an operation.

        Raises `DocumentError` for an undefined scheme. If every alternative is omitted, no known credential is
        accepted.
        """
        part = security_part(self._spec, operation)
        if part.pointer not in self._cache:
            alternatives, written = self._requirements(part)
            self._cache[part.pointer] = Security(alternatives, part.pointer, written)
        return self._cache[part.pointer]

    def _requirements(self, part: Part) -> tuple[frozenset[Requirement], frozenset[Requirement]]:
        """Return the alternative requirements in a part: with keys of schemes, and with their names; each has scopes.

        If the part lists none, it is an empty one.
        """
        spec = self._spec
        names = None if self._is_strict else self._keys
        alternatives: set[Requirement] = set()
        written: set[Requirement] = set()
        for requirement in security_requirements(spec, part, names):
            scopes = {name: frozenset(map(spec.text, spec.items(items))) for name, items in requirement.items()}
            # Two names of the same credential demand the scopes of both.
            by_key: dict[Scheme, frozenset[str]] = {}
            for name, texts in scopes.items():
                by_key[self._keys[name]] = by_key.get(self._keys[name], frozenset()) | texts
            alternatives.add(frozenset(by_key.items()))
            written.add(frozenset(((name,), texts) for name, texts in scopes.items()))
        if not alternatives and not spec.items(part):
            return frozenset({_NOTHING}), frozenset()
        return frozenset(alternatives), frozenset(written)


def demands_of(report: Report) -> tuple[Demands, Demands]:
    """Return the security requirements of both documents, as the options say how to read undefined schemes."""
    if report not in _demands_by_report:
        old_keys, new_keys = _distinct_keys(_scheme_keys(report.base), _scheme_keys(report.revision))
        renamed_in = old_keys if report.sides.options.ignores_undefined_schemes else None
        old, new = Demands(report.base, old_keys), Demands(report.revision, new_keys, renamed_in)
        _demands_by_report[report] = old, new
    return _demands_by_report[report]


_demands_by_report: WeakKeyDictionary[Report, tuple[Demands, Demands]] = WeakKeyDictionary()
"""The security requirements that were read before: each webhook and callback needs them."""


def _scheme_keys(spec: Spec) -> dict[str, Scheme]:
    """Return the keys of the schemes of a document, by name."""
    return {name: scheme_key(spec, part) for name, part in security_schemes(spec).items()}


def _distinct_keys(old: dict[str, Scheme], new: dict[str, Scheme]) -> tuple[dict[str, Scheme], dict[str, Scheme]]:
    """Return the keys of both documents, with the name of a scheme that was not renamed if others have the same key.

    Tokens for one of two OAuth schemes, for example, are not accepted for the other. Certificates are one credential.
    """
    shared = {*_repeated(old), *_repeated(new)} - {("mutualTLS",)}
    named = {name: (*key, name) for name, key in old.items() if key in shared and new.get(name) == key}
    return {**old, **named}, {**new, **named}


def _repeated(keys: dict[str, Scheme]) -> set[Scheme]:
    """Return the keys that several schemes have."""
    return {key for key, count in Counter(keys.values()).items() if count > 1}


def required_parameters(parameters_of: Mapping[Key, RawParameter]) -> frozenset[Key]:
    """Return the keys of the required parameters."""
    return frozenset(key for key, parameter in parameters_of.items() if parameter.required)


def known_credentials(
    old: Security, new: Security, before: dict[Key, RawParameter], after: dict[Key, RawParameter]
) -> frozenset[Key]:
    """Return the required parameters of each document that carry a credential of a security scheme of the other."""
    gained = {credential_parameter(scheme) for requirement in new.alternatives for scheme, _ in requirement}
    lost = {credential_parameter(scheme) for requirement in old.alternatives for scheme, _ in requirement}
    replaced = {key for key in before if key in gained and before[key].required}
    returned = {key for key in after if key in lost and after[key].required}
    return frozenset(replaced | returned)


def compare_security(
    report: Report, old: Security, new: Security, demanded: frozenset[Key], location: ChangeLocation
) -> None:
    """Note changed security requirements; `demanded` are the required parameters of the old operation."""
    if old.alternatives == new.alternatives:
        return
    prefix, location = "api-security", location._replace(path="security")
    if old.is_global and new.is_global:
        prefix, location = "api-global-security", ChangeLocation(path="security")
    old, new = _at_changed_scheme(report, old, new)
    at = old.pointer, new.pointer
    gone, come = old.alternatives - new.alternatives, new.alternatives - old.alternatives
    rejected = frozenset(before for before in old.alternatives if _is_rejected_now(before, new.alternatives, demanded))
    if _note_scopes(report, gone, come, rejected, prefix, location, at):
        return
    _note_added(report, old, new, rejected, prefix, location)
    _note_removed(report, old, new, rejected, prefix, location)


def compare_outgoing_security(report: Report, old: RawOperation, new: RawOperation, location: ChangeLocation) -> None:
    """Note changed credentials of a webhook or callback, which the API sends and the consumer may require.

    Nothing is noted if neither document lists any for the webhook: those of the document are for its operations.
    """
    if "security" not in old.part.value and "security" not in new.part.value:
        return
    before, after = (demands.of(operation) for demands, operation in zip(demands_of(report), (old, new), strict=True))
    location, at = location._replace(path="security"), (before.pointer, after.pointer)
    added, removed = after.alternatives - before.alternatives, before.alternatives - after.alternatives
    for requirement in sorted(added, key=_requirement_sort_key):
        rule = "webhook-security-specialized"
        if _is_rejected_now(requirement, before.alternatives, frozenset()):
            rule = "webhook-security-generalized"
        report.add(rule, location, None, _requirement_text(requirement) or "none", *at)
    if not added:
        for requirement in sorted(removed, key=_requirement_sort_key):
            report.add("webhook-security-specialized", location, _requirement_text(requirement) or "none", None, *at)


def _at_changed_scheme(report: Report, old: Security, new: Security) -> tuple[Security, Security]:
    """Return both requirements with the pointer of the only scheme that changed, if they are written alike.

    So the change of a scheme is one finding for all operations that require it.
    """
    if old.written != new.written:
        return old, new
    before, after = security_schemes(report.base), security_schemes(report.revision)
    names = {name for requirement in old.written for (name,), _ in requirement}
    changed = [
        name
        for name in sorted(names & before.keys() & after.keys())
        if scheme_key(report.base, before[name]) != scheme_key(report.revision, after[name])
    ]
    if len(changed) != 1:
        return old, new
    (name,) = changed
    return old._replace(pointer=before[name].pointer), new._replace(pointer=after[name].pointer)


def _note_added(
    report: Report,
    old: Security,
    new: Security,
    rejected: frozenset[Requirement],
    prefix: str,
    location: ChangeLocation,
) -> None:
    """Note new requirements, under a rule for the effect on a caller who met the old ones.

    `rejected` are the old alternatives that are no longer sufficient. If others are, nobody has to meet a new one.
    """
    at = old.pointer, new.pointer
    suffix = "alternative-added"
    if rejected == old.alternatives:
        suffix = "added"
    elif not rejected and any(_is_rejected_now(before, new.alternatives, frozenset()) for before in old.alternatives):
        suffix = "added-for-known-credential"
    come, texts = new.alternatives - old.alternatives, _distinct_texts(old.alternatives | new.alternatives)
    for requirement in sorted(filter(None, come), key=_requirement_sort_key):
        report.add(f"{prefix}-{suffix}", location, None, texts[requirement], *at)
    if _NOTHING in rejected and suffix != "added":
        report.add(f"{prefix}-added", location, "optional", "required", *at)
    is_opened = _NOTHING in new.alternatives and _NOTHING not in old.alternatives
    if is_opened and old.alternatives <= new.alternatives:
        report.add(f"{prefix}-alternative-added", location, "required", "optional", *at)


def _note_removed(
    report: Report,
    old: Security,
    new: Security,
    rejected: frozenset[Requirement],
    prefix: str,
    location: ChangeLocation,
) -> None:
    """Note removed requirements; a caller who met only one of the `rejected` ones is rejected.

    If that is every caller, because a requirement was added, the addition says so.
    """
    come, texts = new.alternatives - old.alternatives, _distinct_texts(old.alternatives | new.alternatives)
    for requirement in sorted(filter(None, old.alternatives - new.alternatives), key=_requirement_sort_key):
        suffix = "removed"
        if requirement in rejected and not (come and rejected == old.alternatives):
            suffix = "alternative-removed"
        report.add(f"{prefix}-{suffix}", location, texts[requirement], None, old.pointer, new.pointer)


def _is_rejected_now(before: Requirement, now: frozenset[Requirement], demanded: frozenset[Key]) -> bool:
    """Return whether a caller who met a requirement meets none of the current ones."""
    sent = dict(before)
    # A parameter that carries the credential of a scheme carries no other credential.
    free = demanded - {credential_parameter(scheme) for scheme in sent}

    def meets(requirement: Requirement) -> bool:
        """Return whether the caller's credentials and parameters satisfy a requirement."""
        return all(
            (scheme in sent and scopes <= sent[scheme]) or credential_parameter(scheme) in free
            for scheme, scopes in requirement
        )

    return not any(meets(requirement) for requirement in now)


def _note_scopes(
    report: Report,
    gone: frozenset[Requirement],
    come: frozenset[Requirement],
    rejected: frozenset[Requirement],
    prefix: str,
    location: ChangeLocation,
    at: tuple[str, str],
) -> bool:
    """Note changed scopes if the credentials are the same; return whether they are.

    Nobody has to have an added scope if a caller who met the old requirement is not `rejected`. In a list of a scheme
    without scopes are roles (OpenAPI 3.1, 4.8.30), which count as scopes.
    """
    before = {frozenset(scheme for scheme, _ in requirement): dict(requirement) for requirement in gone}
    after = {frozenset(scheme for scheme, _ in requirement): dict(requirement) for requirement in come}
    if before.keys() != after.keys() or len(before) != len(gone) or len(after) != len(come):
        return False
    for key in sorted(before, key=sorted):
        for scheme in sorted(key):
            was, now = before[key][scheme], after[key][scheme]
            for scope in sorted(was - now):
                report.add(f"{prefix}-scope-removed", location, scope, None, *at)
            for scope in sorted(now - was):
                if frozenset(before[key].items()) in rejected:
                    report.add(f"{prefix}-scope-added", location, None, scope, *at)
                else:
                    report.add(f"{prefix}-alternative-added", location, None, " ".join((*scheme, scope)), *at)
    return True


def _requirement_text(requirement: Requirement, *, with_scopes: bool = False) -> str:
    """Return a requirement as text: the credentials joined by `and`."""
    texts = [" ".join((*scheme, *sorted(scopes if with_scopes else ()))) for scheme, scopes in requirement]
    return " and ".join(sorted(texts))


def _distinct_texts(requirements: frozenset[Requirement]) -> dict[Requirement, str]:
    """Return requirements as texts, with their scopes if only these tell two of them apart."""
    texts = {requirement: _requirement_text(requirement) for requirement in requirements}
    counts = Counter(texts.values())
    for requirement, text in texts.items():
        if counts[text] > 1:
            texts[requirement] = _requirement_text(requirement, with_scopes=True)
    return texts


def _requirement_sort_key(requirement: Requirement) -> list[tuple[Scheme, list[str]]]:
    """Return a sort key for a requirement."""
    return sorted((scheme, sorted(scopes)) for scheme, scopes in requirement)


def compare_schemes(report: Report) -> None:
    """Note security schemes that were added, removed or changed, and changed OAuth flows; a new name does not count."""
    before, after = security_schemes(report.base), security_schemes(report.revision)
    old_keys, new_keys = _scheme_keys(report.base), _scheme_keys(report.revision)
    for name in dict.fromkeys([*before, *after]):
        location = ChangeLocation(path="securitySchemes")
        if name in before and name in after and old_keys[name] != new_keys[name]:
            at = before[name].pointer, after[name].pointer
            report.add(
                "api-security-component-type-changed", location, " ".join(old_keys[name]), " ".join(new_keys[name]), *at
            )
        elif name in before and name not in after and old_keys[name] not in new_keys.values():
            report.add("api-security-component-removed", location, " ".join(old_keys[name]), None, before[name].pointer)
        elif name in after and name not in before and new_keys[name] not in old_keys.values():
            report.add(
                "api-security-component-added", location, None, " ".join(new_keys[name]), "", after[name].pointer
            )
    for name, part in before.items():
        if old_keys[name] == ("oauth2",):
            renamed = [new for new in after if new not in before and new_keys[new] == old_keys[name]]
            if new_keys.get(name) == old_keys[name]:
                _compare_oauth_flows(report, part / "flows", after[name] / "flows")
            elif renamed:
                _compare_oauth_flows(report, part / "flows", after[renamed[0]] / "flows")


def _compare_oauth_flows(report: Report, old: Part, new: Part) -> None:
    """Note added and removed OAuth flows, and changed URLs, scopes and descriptions of scopes of the others."""
    before, after = dict(report.base.fields(old)), dict(report.revision.fields(new))
    for name in dict.fromkeys([*before, *after]):
        location = ChangeLocation(path=f"securitySchemes oauth2 {name}")
        if name not in after:
            report.add("api-security-component-removed", location, f"oauth2 {name}", None, before[name].pointer)
        elif name not in before:
            report.add("api-security-component-added", location, None, f"oauth2 {name}", "", after[name].pointer)
        else:
            _compare_oauth_flow(report, location, before[name], after[name])


def _compare_oauth_flow(report: Report, location: ChangeLocation, old: Part, new: Part) -> None:
    """Note changed URLs, scopes and descriptions of scopes of an OAuth flow."""
    at = old.pointer, new.pointer
    for keyword, words in (("authorizationUrl", "url"), ("tokenUrl", "token-url")):
        was, now = report.base.text(old / keyword), report.revision.text(new / keyword)
        if was != now:
            report.add(f"api-security-component-oauth-{words}-changed", location, was, now, *at, keys=(keyword,))
    old_scopes = report.base.mapping(old / "scopes")
    new_scopes = report.revision.mapping(new / "scopes")
    scopes = dict.fromkeys(old_scopes, ""), dict.fromkeys(new_scopes, "")
    report.add_each("api-security-component-oauth-scope", location, scopes, at, keys=("scopes",))
    for scope in old_scopes:
        descriptions = old_scopes[scope], new_scopes.get(scope, old_scopes[scope])
        if descriptions[0] != descriptions[1]:
            rule = "api-security-component-oauth-scope-changed"
            report.add(rule, location, *descriptions, *at, scope, keys=("scopes",))
