"""Derives from the findings of a comparison which version bump (semver.org) the change requires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pytest_bctrl.reports.wording import example_of, numbered, one_line, shown_by, where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.findings.finding import Finding

Bump = Literal["major", "minor", "patch", "none", "undecided"]

_SEMVER = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_DOCUMENTATION = frozenset({"description-changed", "page-sample-changed", "api-schema-added", "api-schema-removed"})
"""Rules about texts, and about schemas that no operation uses; tags are documentation too."""
_UNDECIDED = ("-may-be-narrowed", "-may-be-widened", "-keyword-changed")
"""The ends of the rules that report what could not be decided; the last one also reports what could be."""


class RequiredVersion(NamedTuple):
    """The version bump that a change requires, and the reason.

    `finding` is the fingerprint of the finding that decides it, and `evidence` its counterexample or that there is a
    proof; both may be empty. `base` and `revision` are the
    versions in both documents, and `required` is the lowest version that the change permits; empty if `base` is not a
    semantic version. `is_sufficient` is whether `revision` is at least that version, None if that cannot be compared.
    """

    bump: Bump
    reason: str
    evidence: str = ""
    finding: str = ""
    base: str = ""
    revision: str = ""
    required: str = ""
    is_sufficient: bool | None = None

    @property
    def text(self) -> str:
        """The bump, the versions and the reason in a sentence."""
        return f"required version bump: {self.bump}{self._versions}: {self.reason}"

    @property
    def _versions(self) -> str:
        """The old and the new version in parentheses; empty if they are not known or do not matter."""
        if not self.required or (self.bump == "none" and self.base == self.revision):
            return ""
        versions = one_line(f"{self.base} → {self.revision}")
        if self.is_sufficient is None:
            return f" ({one_line(self.base)} → {self.required})"
        if self.is_sufficient:
            return f" ({versions})"
        return f" ({versions}, but the change requires {self.required})"


def required_version(
    findings: Sequence[Finding], not_compared: Sequence[str], documents: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> RequiredVersion:
    """Return the version bump that findings require; accepted findings count too, as they change the API as well.

    An error is a breaking change and requires a major version. Without errors, what was not compared or not decided
    leaves the bump undecided. Otherwise anything but documentation requires a minor version, and documents that differ
    only in their texts require a patch.
    """
    old_document, new_document = documents
    bump, reason, evidence, fingerprint = _required_bump(findings, not_compared)
    if bump == "none" and _without_version(old_document) != _without_version(new_document):
        bump, reason = "patch", "only texts, examples or the form of the document have changed"
    base, revision = _version(old_document), _version(new_document)
    required, is_sufficient = "", None
    old, new = _parsed_version(base), _parsed_version(revision)
    if old and bump != "undecided":
        lowest = _next_version(old, bump)
        required = ".".join(map(str, lowest))
        if new:
            is_sufficient = new >= lowest
    return RequiredVersion(bump, reason, evidence, fingerprint, base, revision, required, is_sufficient)


def _version(document: Mapping[str, Any]) -> str:
    """Return `info.version` of a document; empty if it has none."""
    info = document.get("info")
    if not isinstance(info, dict):
        return ""
    return str(info.get("version", ""))


def _without_version(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without `info.version`."""
    info = document.get("info")
    if not isinstance(info, dict):
        return dict(document)
    return {**document, "info": {key: value for key, value in info.items() if key != "version"}}


def _required_bump(findings: Sequence[Finding], not_compared: Sequence[str]) -> tuple[Bump, str, str, str]:
    """Return the bump, the reason, its evidence, and the fingerprint of the finding that decides it."""
    errors = [finding for finding in findings if finding.level == "error"]
    undecided = [finding for finding in findings if finding.rule.endswith(_UNDECIDED) and not _is_decided(finding)]
    texts = [finding for finding in findings if _is_documentation(finding)]
    changes = [finding for finding in findings if finding not in texts and finding.rule != "api-version-changed"]
    if errors:
        return "major", *_deciding_finding(errors)
    if not_compared:
        count = numbered(len(not_compared), "part")
        return "undecided", f"{count} of the documents could not be compared", "", ""
    if undecided:
        return "undecided", *_deciding_finding(undecided)
    if changes:
        return "minor", *_deciding_finding(changes)
    if texts:
        return "patch", *_deciding_finding(texts)
    return "none", "the two documents are the same", "", ""


def _is_decided(finding: Finding) -> bool:
    """Return whether a proof or a counterexample shows what a change means for a consumer."""
    return (finding.extra.get("shown") or {}).get("by") in ("proof", "counterexample")


def _is_documentation(finding: Finding) -> bool:
    """Return whether a finding is about documentation only."""
    return finding.rule in _DOCUMENTATION or finding.rule.startswith("api-tag-")


def _deciding_finding(findings: Sequence[Finding]) -> tuple[str, str, str]:
    """Return rule and location, evidence, and fingerprint of the first finding, preferably with a counterexample."""
    shown = [finding for finding in findings if (finding.extra.get("shown") or {}).get("by") == "counterexample"]
    finding = [*shown, *findings][0]
    return f"{finding.rule}, {where(finding)}", example_of(finding) or shown_by(finding), finding.fingerprint


def _parsed_version(version: str) -> tuple[int, int, int] | None:
    """Return the numbers of a semantic version; None for any other text."""
    match = _SEMVER.fullmatch(version.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3])


def _next_version(version: tuple[int, int, int], bump: Bump) -> tuple[int, int, int]:
    """Return the next version; before 1.0.0 a breaking change bumps the second number, any other the third."""
    major, minor, patch = version
    if bump == "none":
        return version
    if bump == "major" and major:
        return major + 1, 0, 0
    if bump == "major" or (bump == "minor" and major):
        return major, minor + 1, 0
    return major, minor, patch + 1
