"""The gate compares the contract in force: both specs with the overlay, which says what the specs leave out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.drift.contract_change import Comparison, compare_contracts
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.sources import read_source

from .published import SAMPLES, TEXT, page

SCHEME = TEXT[TEXT.index("  securitySchemes:") :]


OVERLAY = packaged().overlay


def compared_with_vendored(text: str, overlay: Path | None = OVERLAY) -> Comparison:
    """Return the comparison of the vendored spec with a text, both with the overlay; without one if it is None."""
    old = load_document(TEXT, "old.yaml")
    return compare_contracts(old, load_document(text, "new.yaml"), overlay, Options())


def errors(text: str, overlay: Path | None = OVERLAY) -> dict[str, str]:
    """Return the location of the findings of level error, by rule."""
    findings = compared_with_vendored(text, overlay).findings
    return {finding.rule: finding.location for finding in findings if finding.level == "error"}


@pytest.mark.parametrize(
    ("text", "rule", "location"),
    [
        (TEXT.replace("scheme: bearer", "scheme: basic"), "api-security-added", "security"),
        (TEXT.replace("scheme: bearer", "scheme: digest"), "api-security-added", "security"),
        (
            TEXT.replace("type: http\n      scheme: bearer", "type: apiKey\n      in: header\n      name: X-Key"),
            "api-security-added",
            "security",
        ),
        (TEXT.replace(SCHEME, ""), "api-security-alternative-removed", "security"),
        (
            TEXT.replace("application/json:", "application/vnd+json:"),
            "response-media-type-removed",
            "200 application/json",
        ),
        (
            TEXT.replace("application/json:", "application/hal+json:"),
            "response-media-type-removed",
            "200 application/json",
        ),
    ],
)
def test_a_changed_scheme_or_media_type_is_an_error_with_the_overlay(text: str, rule: str, location: str) -> None:
    """Of this rule, at this location: only the overlay makes an operation require the security scheme."""
    assert text != TEXT
    assert location == errors(text)[rule]


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1"])
def test_renaming_a_security_scheme_is_no_error(version: str) -> None:
    """The requests stay the same; with another version, the overlay is applied too."""
    assert {} == errors(TEXT.replace("bearerAuth:", "tokenAuth:").replace("version: 1.0.0", f"version: {version}"))


def test_without_the_overlay_only_the_change_of_the_scheme_is_an_error() -> None:
    """A consumer may send a credential that the document declares, although no operation demands it."""
    changed = TEXT.replace("scheme: bearer", "scheme: basic")
    assert {"api-security-component-type-changed": "securitySchemes"} == errors(changed, None)


def test_a_change_visible_with_and_without_the_overlay_is_reported_once() -> None:
    """Its lines are those of the comparison without the overlay."""
    text = TEXT.replace("- failed", "- failed\n        - paused").replace("scheme: bearer", "scheme: basic")
    alone, both = compared_with_vendored(text, None).findings, compared_with_vendored(text).findings
    assert [finding.as_dict() for finding in alone] == [
        finding.as_dict() for finding in both if not finding.rule.startswith("api-security-") or finding in alone
    ]
    assert {"api-security-added", "api-security-removed"} == {finding.rule for finding in both} - {
        finding.rule for finding in alone
    }


def test_additions_of_the_overlay_are_no_change() -> None:
    """The overlay adds the same responses and security to both sides."""
    assert ["api-version-changed"] == [
        finding.rule for finding in compared_with_vendored(TEXT.replace("version: 1.0.0", "version: 1.0.1")).findings
    ]


def test_an_overlay_action_that_no_longer_applies_is_a_note(tmp_path: Path) -> None:
    text = TEXT.replace("- name: Authorization", "- name: X-Other")
    (note,) = compared_with_vendored(text).notes
    assert note.startswith(f"the overlay no longer applies: {packaged().overlay}, action 1 ($.paths")


@pytest.mark.parametrize("change", ["1.0.1", "2.0.0", "1"])
def test_a_changed_version_is_info(change: str) -> None:
    (finding,) = compared_with_vendored(TEXT.replace("version: 1.0.0", f"version: {change}")).findings
    assert ("info", "info.version", "1.0.0", change) == (
        finding.level,
        finding.location,
        finding.expected,
        finding.observed,
    )


@pytest.mark.parametrize(
    ("sample", "location"),
    [
        (lambda text: text.replace("import requests", "import httpx"), "sample python"),
        (lambda text: text[: text.index("```swift")], "sample swift"),
        (lambda text: f"{text}\n```rust\nfn main() {{}}\n```\n", "sample rust"),
        (lambda text: f"{text}\n```python\nimport bctrl\n```\n", "sample python 2"),
        (lambda text: f"{text}\n```\nnone\n```\n", "sample text"),
    ],
)
def test_a_changed_sample_on_the_page_is_info(tmp_path: Path, sample: Callable[[str], str], location: str) -> None:
    """The lock has the digests of the samples on the page at the time of vendoring."""
    (tmp_path / "page.md").write_text(sample(page()), "utf-8")
    base, revision = read_source(str(packaged().spec)), read_source(str(tmp_path / "page.md"))
    (finding,) = compare_contracts(base, revision, OVERLAY, Options()).findings
    assert ("page-sample-changed", "info", location) == (finding.rule, finding.level, finding.location)


def test_a_page_without_samples_yields_no_sample_findings(tmp_path: Path) -> None:
    """If the code samples of the page are gone, nothing is reported."""
    (tmp_path / "page.md").write_text(page().replace(SAMPLES, ""), "utf-8")
    assert (
        []
        == compare_contracts(
            read_source(str(packaged().spec)), read_source(str(tmp_path / "page.md")), OVERLAY, Options()
        ).findings
    )


@pytest.mark.parametrize("lock", ["", "{}", '{"samples": 1}', "[]"])
def test_samples_are_empty_if_the_lock_lists_none_or_is_invalid(tmp_path: Path, lock: str) -> None:
    files = ContractFiles(tmp_path)
    files.spec.write_text(TEXT, "utf-8")
    files.lock.write_text(lock, "utf-8")
    assert {} == read_source(str(files.spec)).samples
