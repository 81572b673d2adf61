"""What the code has is in each page that lists it by hand: rules of checks, public names, layers, and tests."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator

import pytest
import yaml

import pytest_bctrl
from pytest_bctrl.contract.read import load
from pytest_bctrl.request_checks.violation import request_rules
from tests.docs.page import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
CHECKS = (PROJECT / "docs" / "reference" / "checks.md").read_text("utf-8")
NAMES = ("RULE", "SCHEMA", "UNDOCUMENTED", "rule")
MAKERS = ("Violation", "Finding", "_trial_findings", "violation_outside_body")
RULE = re.compile(r"[a-z]+(_[a-z0-9]+)+")


def rules() -> Iterator[str]:
    """Yield the rule ids that the code writes into findings, read from its source, and those of invariants."""
    package = PROJECT / "pytest_bctrl"
    folders = (package / folder for folder in ("checks", "suite", "observed"))
    for path in (package / "conformance.py", *(path for folder in folders for path in folder.rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield from _constants(node)
    for operation in load().operations:
        yield from (invariant["rule"] for invariant in operation.invariants)


def _constants(node: ast.AST) -> Iterator[str]:
    """Yield the rules in `RULE = "…"` and in calls that create a violation or a finding."""
    values: list[ast.expr] = []
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple):
        pairs = zip(node.targets[0].elts, node.value.elts, strict=True)
        values = [value for target, value in pairs if isinstance(target, ast.Name) and target.id in NAMES]
    elif isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id in NAMES for to in node.targets):
        values = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
        values = node.args[:3] or [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
    for value in values:
        for arm in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
            if isinstance(arm, ast.Constant) and isinstance(arm.value, str) and RULE.fullmatch(arm.value):
                yield arm.value


def test_the_checks_page_lists_every_rule() -> None:
    names = {*rules(), *request_rules()}
    assert {"response_schema_conformance", "complete_body", "complete_answer", "unique_ids"} <= names
    assert [] == sorted(rule for rule in names if f"| `{rule}` |" not in CHECKS)


def test_the_checks_page_lists_only_existing_rules() -> None:
    named = re.findall(r"^\| `([a-z_0-9]+)` \| (?:error|warning|info) \|", CHECKS, re.MULTILINE)
    assert len(named) > 10
    assert [] == sorted(set(named) - {*rules(), *request_rules()})


@pytest.mark.parametrize("name", [name for name in pytest_bctrl.__all__ if not name.startswith("_")])
def test_the_python_page_lists_every_public_name(name: str) -> None:
    assert f"### {name}\n" in (PROJECT / "docs" / "reference" / "python-api.md").read_text("utf-8")


def test_the_architecture_diagram_contains_every_layer() -> None:
    """The diagram in CONTRIBUTING.md has each module and package of the layers in pyproject.toml."""
    contributing = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    drawing = re.findall(r"```text\n(contracts/.*?)```", contributing, re.DOTALL)[0]
    (layers,) = [rule for rule in PYPROJECT["tool"]["importlinter"]["contracts"] if rule["id"] == "layers"]
    names = [name.strip().removeprefix("pytest_bctrl.") for layer in layers["layers"] for name in layer.split("|")]
    assert [] == [name for name in names if not re.search(rf"\b{name}(/|\.py)", drawing)]


def test_the_documented_test_command_is_that_of_ci() -> None:
    ci = (PROJECT / ".ci" / "run").read_text("utf-8").splitlines()[-1]
    for name in ("README.md", "CONTRIBUTING.md"):
        assert f"```bash\n{ci}\n```" in (PROJECT / name).read_text("utf-8")


def test_links_of_the_readme_are_files() -> None:
    links = re.findall(r"(?:\]\(|^\[.+?\]: )([^)\s]+)", (PROJECT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(links) > 10
    assert [] == [link for link in links if not (PROJECT / link).is_file()]


def test_ci_tests_every_declared_python_version_on_three_systems() -> None:
    jobs = yaml.safe_load((PROJECT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["python"]["strategy"]["matrix"]
    declared = re.findall(r":: Python :: (3\.\d+)", "\n".join(PYPROJECT["project"]["classifiers"]))
    assert (declared, 3) == (matrix["python"], len(matrix["system"]))


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/explanation/threat-model.md"])
def test_every_test_named_in_a_document_exists(name: str) -> None:
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", (PROJECT / name).read_text("utf-8"))
    assert len(named) > 4
    texts = {path: "" if (PROJECT / path).is_dir() else (PROJECT / path).read_text("utf-8") for path, _ in named}
    assert [] == [(path, test) for path, test in named if test and f"def {test}(" not in texts[path]]


def test_each_promise_names_a_test() -> None:
    """Each kind of vulnerability in `SECURITY.md`, and each row of each table in the threat model."""
    security = (PROJECT / "SECURITY.md").read_text("utf-8")
    vulnerabilities = security.partition("These are vulnerabilities:")[2].partition("\n[The threat model]")[0]
    kinds = re.split(r"^- ", vulnerabilities, flags=re.MULTILINE)[1:]
    sections = re.split(r"^## ", (PROJECT / "docs/explanation/threat-model.md").read_text("utf-8"), flags=re.MULTILINE)
    rows = [
        row for section in sections for row in section.partition("\n| promise | test |\n|---|---|\n")[2].splitlines()
    ]
    assert (len(kinds), len(rows)) > (10, 50)
    assert [] == [kind for kind in kinds if "`tests/" not in kind]
    assert [] == [section for section in sections[1:] if "\n| promise | test |\n" not in section]
    assert [] == [row for row in rows if row.startswith("| ") and "`tests/" not in row.rpartition(" | ")[2]]
