"""Compares what an operation demands as proof of who calls: by what is sent, never by a scheme's name."""

from __future__ import annotations

from typing import NamedTuple

from pytest_bctrl.contract.outline import (
    Key,
    Part,
    RawOperation,
    RawParameter,
    Spec,
    security_part,
    security_requirements,
    security_schemes,
)
from pytest_bctrl.drift.place import Place
from pytest_bctrl.drift.report import Report

Scheme = tuple[str, ...]
Credential = tuple[Scheme, frozenset[str]]
Requirement = frozenset[Credential]
_NOTHING: Requirement = frozenset()


class Security(NamedTuple):
    """The alternatives of which a caller must meet one; nothing to meet is the empty requirement."""

    alternatives: frozenset[Requirement]
    pointer: str

    @property
    def is_global(self) -> bool:
        """Whether it is what the document demands of every operation that says nothing itself."""
        return self.pointer == "/security"


def scheme_key(spec: Spec, part: Part) -> Scheme:
    """What a scheme asks to be sent: its kind, and where and under which name."""
    kind = spec.text(part / "type")
    if kind == "http":
        return kind, spec.text(part / "scheme").lower()
    if kind == "apiKey":
        name = spec.text(part / "name")
        where = spec.text(part / "in")
        return kind, where, name.lower() if where == "header" else name
    if kind == "openIdConnect":
        return kind, spec.text(part / "openIdConnectUrl")
    if kind in ("oauth2", "mutualTLS"):
        return (kind,)
    raise spec.refuse(part, "a security scheme has no known type", "apiKey, http, mutualTLS, oauth2 or openIdConnect")


def sent_as(scheme: Scheme) -> Key | None:
    """The parameter that carries a credential, as parameters are keyed; None where none does."""
    if scheme[0] == "apiKey":
        return scheme[1], scheme[2]
    return None if scheme[0] == "mutualTLS" else ("header", "authorization")


class Demands:
    """What the operations of a document demand."""

    def __init__(self, spec: Spec, before: Demands | None = None) -> None:
        """Read the schemes of a document.

        Where `before` is given, a name that this document does not define stands for the scheme that it was there, if
        this one has that under another name; an alternative with any other undefined name is left out.
        """
        self._spec, self._is_strict = spec, before is None
        self.keys = {name: scheme_key(spec, part) for name, part in security_schemes(spec).items()}
        renamed = before.keys if before else {}
        known = {*self.keys.values()}
        self.keys = {**{name: key for name, key in renamed.items() if key in known}, **self.keys}
        self._known: dict[str, Security] = {}

    def of(self, operation: RawOperation) -> Security:
        """Return what an operation demands.

        Raises `DocumentError` where a scheme is not defined. Where alternatives are left out, there may be none: then
        nothing that is known lets a caller in.
        """
        spec, whole = self._spec, security_part(self._spec, operation)
        if whole.pointer not in self._known:
            alternatives: set[Requirement] = set()
            for requirement in security_requirements(spec, whole, None if self._is_strict else self.keys):
                scopes = {name: frozenset(map(spec.text, spec.items(asked))) for name, asked in requirement.items()}
                alternatives.add(frozenset((self.keys[name], asked) for name, asked in scopes.items()))
            is_open = not alternatives and not spec.items(whole)
            self._known[whole.pointer] = Security(frozenset({_NOTHING} if is_open else alternatives), whole.pointer)
        return self._known[whole.pointer]


def known_credentials(
    old: Security, new: Security, before: dict[Key, RawParameter], after: dict[Key, RawParameter]
) -> frozenset[Key]:
    """The parameters that carry a credential which the other side tells of as security."""
    gained = {sent_as(scheme) for requirement in new.alternatives for scheme, _ in requirement}
    lost = {sent_as(scheme) for requirement in old.alternatives for scheme, _ in requirement}
    replaced = {key for key in before if key in gained and before[key].required}
    returned = {key for key in after if key in lost and after[key].required}
    return frozenset(replaced | returned)


def compare_security(report: Report, old: Security, new: Security, demanded: frozenset[Key], place: Place) -> None:
    """Note changes of what is demanded. `demanded`: required parameters of the old operation."""
    if old.alternatives == new.alternatives:
        return
    prefix = "api-global-security" if old.is_global and new.is_global else "api-security"
    if prefix == "api-global-security":
        place = Place(location="security")
    here = place._replace(location="security")
    at = old.pointer, new.pointer
    gone, come = old.alternatives - new.alternatives, new.alternatives - old.alternatives
    if _note_scopes(report, gone, come, prefix, here, at):
        return
    _note_added(report, old, new, demanded, prefix, here)
    _note_removed(report, old, new, prefix, here)


def _note_added(
    report: Report, old: Security, new: Security, demanded: frozenset[Key], prefix: str, place: Place
) -> None:
    """Note what is newly demanded, by what it does to a caller who met what was demanded before."""
    at = old.pointer, new.pointer
    suffix = "alternative-added"
    if any(_refused(before, new.alternatives, frozenset()) for before in old.alternatives):
        refused = any(_refused(before, new.alternatives, demanded) for before in old.alternatives)
        suffix = "added" if refused else "added-for-known-credential"
    come = new.alternatives - old.alternatives
    for requirement in sorted(filter(None, come), key=_in_order):
        report.add(f"{prefix}-{suffix}", place, None, _shown(requirement), *at)
    was_open, is_open = _NOTHING in old.alternatives, _NOTHING in new.alternatives
    if was_open and not is_open and not come:
        report.add(f"{prefix}-added", place, "optional", "required", *at)
    if is_open and not was_open and old.alternatives <= new.alternatives:
        report.add(f"{prefix}-alternative-added", place, "required", "optional", *at)


def _note_removed(report: Report, old: Security, new: Security, prefix: str, place: Place) -> None:
    """Note what is no longer demanded. Where nothing takes its place, who met it alone is refused."""
    come = new.alternatives - old.alternatives
    for requirement in sorted(filter(None, old.alternatives - new.alternatives), key=_in_order):
        lost = not come and _refused(requirement, new.alternatives, frozenset())
        suffix = "alternative-removed" if lost else "removed"
        report.add(f"{prefix}-{suffix}", place, _shown(requirement), None, old.pointer, new.pointer)


def _refused(before: Requirement, now: frozenset[Requirement], demanded: frozenset[Key]) -> bool:
    """Tell whether a caller who met a requirement meets none of those that are asked now."""
    sent = dict(before)
    # What carries a credential that security told of carries that one, and no other.
    free = demanded - {sent_as(scheme) for scheme in sent}

    def meets(requirement: Requirement) -> bool:
        return all(
            (scheme in sent and scopes <= sent[scheme]) or sent_as(scheme) in free for scheme, scopes in requirement
        )

    return not any(meets(requirement) for requirement in now)


def _note_scopes(
    report: Report,
    gone: frozenset[Requirement],
    come: frozenset[Requirement],
    prefix: str,
    place: Place,
    at: tuple[str, str],
) -> bool:
    """Note changed scopes where the credentials stayed. Return whether that was all."""
    before = {frozenset(scheme for scheme, _ in requirement): dict(requirement) for requirement in gone}
    after = {frozenset(scheme for scheme, _ in requirement): dict(requirement) for requirement in come}
    if before.keys() != after.keys() or len(before) != len(gone) or len(after) != len(come):
        return False
    for key in sorted(before, key=sorted):
        for scheme in sorted(key):
            scopes = (dict.fromkeys(sorted(side[key][scheme]), "") for side in (before, after))
            report.add_each(f"{prefix}-scope", place, scopes, at)
    return True


def _shown(requirement: Requirement) -> str:
    return " and ".join(sorted(" ".join(scheme) for scheme, _ in requirement))


def _in_order(requirement: Requirement) -> list[tuple[Scheme, list[str]]]:
    return sorted((scheme, sorted(scopes)) for scheme, scopes in requirement)


def compare_schemes(report: Report) -> None:
    """Note security schemes that came, went or changed. A new name for the same scheme is no change."""
    before, after = security_schemes(report.base), security_schemes(report.revision)
    old_keys = {name: scheme_key(report.base, part) for name, part in before.items()}
    new_keys = {name: scheme_key(report.revision, part) for name, part in after.items()}
    for name in dict.fromkeys([*before, *after]):
        place = Place(location="securitySchemes")
        if name in before and name in after and old_keys[name] != new_keys[name]:
            at = before[name].pointer, after[name].pointer
            report.add(
                "api-security-component-type-changed", place, " ".join(old_keys[name]), " ".join(new_keys[name]), *at
            )
        elif name in before and name not in after and old_keys[name] not in new_keys.values():
            report.add("api-security-component-removed", place, " ".join(old_keys[name]), None, before[name].pointer)
        elif name in after and name not in before and new_keys[name] not in old_keys.values():
            report.add("api-security-component-added", place, None, " ".join(new_keys[name]), "", after[name].pointer)
    for name, part in before.items():
        twin = next(
            (after[other] for other in (name, *after) if other in after and new_keys[other] == old_keys[name]), None
        )
        if twin is not None and old_keys[name] == ("oauth2",):
            _compare_flows(report, part / "flows", twin / "flows")


def _compare_flows(report: Report, old: Part, new: Part) -> None:
    before, after = dict(report.base.fields(old)), dict(report.revision.fields(new))
    for name in (name for name in before if name in after):
        one, other = before[name], after[name]
        place = Place(location=f"securitySchemes oauth2 {name}")
        at = one.pointer, other.pointer
        for keyword, words in (("authorizationUrl", "url"), ("tokenUrl", "token-url")):
            was, now = report.base.text(one / keyword), report.revision.text(other / keyword)
            if was != now:
                report.add(f"api-security-component-oauth-{words}-changed", place, was, now, *at)
        old_scopes, new_scopes = report.base.mapping(one / "scopes"), report.revision.mapping(other / "scopes")
        scopes = dict.fromkeys(old_scopes, ""), dict.fromkeys(new_scopes, "")
        report.add_each("api-security-component-oauth-scope", place, scopes, at)
        for scope in old_scopes:
            said = old_scopes[scope], new_scopes.get(scope, old_scopes[scope])
            if said[0] != said[1]:
                report.add("api-security-component-oauth-scope-changed", place, *said, *at, scope)
