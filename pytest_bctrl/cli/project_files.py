"""The texts of the files that `pytest-bctrl init` writes: configuration, first tests and CI job.

A document is untrusted, so its text is in these files only as a literal that a reader of the format returns unchanged:
Python is generated from a syntax tree, YAML from data, and a line of a configuration file is parsed before it is used.
Names are made of lower-case letters, digits and underscores.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from glob import escape as escape_glob
from typing import Any, Literal, NamedTuple

from pytest_bctrl.cli.contract_summary import ContractSummary, has_bare_key, names_parameter
from pytest_bctrl.cli.installed import installed_requirement
from pytest_bctrl.contract.model import LONE_SURROGATE, Operation, encode_segment
from pytest_bctrl.contract.outline import NAME
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line, escape_lines, escape_toml
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.secrets.secret import KEY_VARIABLE

Style = Literal["ini", "toml"]


class ConfigurationEntry(NamedTuple):
    """A setting of the configuration: its comment, and its value or values; `is_active` is false for a suggestion."""

    comment: str
    name: str
    value: str | Sequence[str]
    is_active: bool = True


class NewProject(NamedTuple):
    """What `init` knows about the project.

    - `contract` is the path of its contract, empty for the packaged one.
    - `upstream` is the URL or path where the document is published, if that is known.
    - `operation` is the operation of the first tests, with its `inputs`, whose values may exist `on_mock_only`.
    - `has_server` is whether the document has the URL of a server; if it has none, `base_url` may be set.
    - `headers` are sent with every request.
    - `has_requirements` is whether the project has a `requirements.txt`.
    """

    contract: str
    summary: ContractSummary
    operation: Operation
    inputs: Inputs
    on_mock_only: bool
    has_server: bool = True
    base_url: str = ""
    headers: tuple[str, ...] = ()
    upstream: str = ""
    has_requirements: bool = False


def entries(project: NewProject) -> Iterator[ConfigurationEntry]:
    """Yield the settings of a new project, including those that are only suggested in comments."""
    if project.contract:
        text = "The contract, which tests, mock and every command read. What it needs: pytest-bctrl doctor"
        yield ConfigurationEntry(text, "bctrl_contract", project.contract)
        text = "Where the API publishes its document, with which pytest-bctrl drift compares the contract."
        upstream = project.upstream or "https://api.example.com/openapi.yaml"
        yield ConfigurationEntry(text, "bctrl_upstream", upstream, is_active=bool(project.upstream))
    else:
        text = "The contract is the packaged one. To use another OpenAPI document, name it here."
        yield ConfigurationEntry(text, "bctrl_contract", "openapi.yaml", is_active=False)
    if project.summary.needs_space_id:
        text = "The space that --bctrl-live lists; also BCTRL_SPACE_ID."
        yield ConfigurationEntry(text, "bctrl_space_id", "00000000-0000-4000-8000-000000000000", is_active=False)
    if has_bare_key(project.summary):
        text = "The word in front of the key in Authorization, if the API expects one."
        yield ConfigurationEntry(text, "bctrl_key_prefix", "Token", is_active=False)
    if project.summary.schemes_without_value:
        text = "Values of further security schemes, without which their operations are not checked."
        lines = list(project.summary.schemes_without_value)
        yield ConfigurationEntry(text, "bctrl_credentials", lines, is_active=False)
    url = project.base_url or "https://api.example.com"
    text = "The API that --bctrl-live checks (default: the contract's first server)."
    yield ConfigurationEntry(text, "bctrl_base_url", url, is_active=bool(project.base_url))
    text = "Header fields of every request. $NAME is read from the environment and kept secret."
    yield ConfigurationEntry(
        text, "bctrl_headers", project.headers or ["X-Tenant: $TENANT"], is_active=bool(project.headers)
    )
    missing = [line for line in project.summary.missing if names_parameter(line)]
    text = "Real values of parameters. --bctrl-live does not check an operation without them."
    if len(missing) < len(project.summary.missing):
        text += f" No line can name these parameters: {len(project.summary.missing) - len(missing)}."
    yield ConfigurationEntry(text, "bctrl_values", missing or ["parameter = value"], is_active=False)
    unchecked = [
        escape_glob(operation.label)
        for operation in project.summary.operations
        if operation.state in _UNCHECKED and operation.label not in project.summary.needs_space_id
    ]
    text = "Operations that --bctrl-live need not check. Any other that is not checked makes the exit code 2."
    if unchecked:
        text += " Those below have no values yet, or cannot be checked: remove a line once they are set."
    yield ConfigurationEntry(text, "bctrl_optional", unchecked or ["GET /admin/*"], is_active=bool(unchecked))
    text = "The maximum rate of requests to the API (default: adapted to its responses)."
    yield ConfigurationEntry(text, "bctrl_rate", "30/m", is_active=False)


_UNCHECKED = ("no value", "not checked", "excluded")


def configuration(table: str, style: Style, settings: Iterable[ConfigurationEntry]) -> str:
    """Return a table of pytest's configuration as text, in which each setting has a comment.

    Suggestions that the format cannot express are left out, and counted. Raises `SettingError` for such a setting.
    """
    blocks = [f"[{table}]"]
    for entry in settings:
        comments = [entry.comment]
        value = entry.value
        if not isinstance(value, str):
            value = [text for text in entry.value if _setting_lines(style, entry.name, [text])]
            if len(value) < len(entry.value):
                comments.append(f"Left out, because this file cannot contain them: {len(entry.value) - len(value)}.")
        lines = _setting_lines(style, entry.name, value)
        if entry.is_active and not lines:
            problem = f"a configuration file in {style} format cannot contain the value of {entry.name}"
            raise SettingError(problem, where=repr(entry.value), hint="rename the file: printable characters only")
        if not entry.is_active:
            comments += lines
            lines = []
        blocks.append("\n".join([*(f"# {comment}" for comment in comments), *lines]))
    return "\n\n".join(blocks) + "\n"


def _setting_lines(style: Style, name: str, value: str | Sequence[str]) -> list[str]:
    """Return the lines of a setting; empty if the reader of the format would return another value."""
    return _toml_lines(name, value) if style == "toml" else _ini_lines(name, value)


def _ini_lines(name: str, value: str | Sequence[str]) -> list[str]:
    """Return the lines of a setting in an ini file; empty if pytest's parser would read another value."""
    from iniconfig import IniConfig, ParseError

    lines = [f"{name} =", *(f"  {text}" for text in value)]
    expected = "\n".join(value)
    if isinstance(value, str):
        lines, expected = [f"{name} = {value}"], value
    if any(escape_line(line) != line for line in lines):
        return []
    try:
        sections = IniConfig("", data="\n".join(["[pytest]", *lines])).sections
    except ParseError:
        return []
    return lines if dict(sections) == {"pytest": {name: expected}} else []


def _toml_lines(name: str, value: str | Sequence[str]) -> list[str]:
    """Return the lines of a setting in a TOML file; empty for a lone surrogate, which TOML cannot contain."""
    if any(LONE_SURROGATE.search(text) for text in value):
        return []
    if isinstance(value, str):
        return [f"{name} = {escape_toml(value)}"]
    return [f"{name} = [", *(f"  {escape_toml(text)}," for text in value), "]"]


def first_tests(project: NewProject) -> str:
    """Return a test module with two tests: a response conforms, and a client retries after a failure."""
    fixtures = ["bctrl_mock"] if project.on_mock_only else []
    fixtures.append("bctrl_client")
    request = _request(project)
    if any(isinstance(node, ast.Name) and node.id == _SPACE_ID for node in ast.walk(request)):
        fixtures.append(_SPACE_ID)
    label = project.operation.operation_id or project.operation.label
    name = re.sub(r"[^0-9a-z]+", "_", label.lower())[:_LONGEST_NAME].strip("_") or "request"
    retry = list(dict.fromkeys(["bctrl_mock", *fixtures]))
    module = _PlaceholderReplacer(request).visit(ast.parse(_TESTS))
    docstring, imports, conforms, retries = module.body
    conforms.name, retries.name = f"test_{name}_conforms_to_the_contract", f"test_{name}_is_sent_again_after_a_503"
    conforms.args.args = [ast.arg(fixture) for fixture in fixtures]
    retries.args.args = [ast.arg(fixture) for fixture in retry]
    head = ast.unparse(ast.Module([docstring], []))
    texts = [f"{head}\n\n{ast.unparse(imports)}", ast.unparse(conforms), ast.unparse(retries)]
    # Python's `repr` leaves some invisible characters in its strings as they are.
    return escape_lines("\n\n\n".join(texts)) + "\n"


_SPACE_ID = "bctrl_space_id"
"""The fixture that returns the space id."""

_LONGEST_NAME = 80

_TESTS = '''
"""First tests of the API.

They send requests to a mock of the API. With --bctrl-live, the tests without bctrl_mock send them to the API itself.
"""

from pytest_bctrl import assert_conforms


def conforms():
    response = REQUEST
    assert response.is_success
    assert_conforms(response)


def retries():
    bctrl_mock.fault("status", 503, times=1)
    assert REQUEST.is_success
    bctrl_mock.requests.assert_conforming()
'''


class _PlaceholderReplacer(ast.NodeTransformer):
    """Replaces the name `REQUEST` by an expression."""

    def __init__(self, request: ast.expr) -> None:
        """Remember the expression."""
        self._request = request

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the expression in place of the name."""
        return self._request if node.id == "REQUEST" else node


_FUNCTIONS = {"GET": "get", "HEAD": "head", "OPTIONS": "options"}
"""The functions of the client that send requests with safe methods, which are those of the first tests."""


def _request(project: NewProject) -> ast.expr:
    """Return the expression that sends the request of the first tests."""
    request = ast.Call(
        ast.Attribute(ast.Name("bctrl_client"), _FUNCTIONS[project.operation.method]), [_target(project)], []
    )
    if project.inputs.headers:
        names, values = zip(*dict(project.inputs.headers).items(), strict=True)
        headers = ast.Dict([*map(ast.Constant, names)], [*map(ast.Constant, values)])
        request.keywords = [ast.keyword("headers", headers)]
    return ast.fix_missing_locations(request)


def _target(project: NewProject) -> ast.expr:
    """Return the expression of the request target: a string, or strings joined with the space id."""
    operation = project.operation
    space = {parameter.name for parameter in operation.path_parameters if parameter.setting == "space_id"}
    first, *others = NAME.split(operation.path)
    texts = [first]
    # Names of parameters, each with the text that follows it.
    for name, text in zip(others[::2], others[1::2], strict=True):
        if name in space:
            texts.append(text)
        else:
            texts[-1] += encode_segment(project.inputs.path[name]) + text
    texts[-1] += project.inputs.query_text
    target: ast.expr = ast.Constant(texts[0])
    for text in texts[1:]:
        target = ast.BinOp(target, ast.Add(), ast.Name(_SPACE_ID))
        if text:
            target = ast.BinOp(target, ast.Add(), ast.Constant(text))
    return target


_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"
_SETUP_PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"
"""The actions of the workflow, pinned by the hash of a commit, and the version for the comment."""

_NOT_INSTALLABLE = (
    "echo '::error::replace this line by one that installs pytest-bctrl, which no index has: "
    "pip install ./.pytest-bctrl, if the repository has a copy of it there, or a URL with a commit'; exit 1"
)


def workflow(project: NewProject) -> str:
    """Return a workflow of GitHub Actions: the gate of pull requests, and every night the API and its document.

    It installs the kit that is installed here. If that is on this machine alone, its line fails and says so.
    """
    requirement = installed_requirement()
    setup: list[dict[str, Any]] = [
        {"uses": _SETUP_PYTHON[0], "with": {"python-version": "3.13"}},
        {"run": shlex.join(["pip", "install", requirement]) if requirement else _NOT_INSTALLABLE},
    ]
    if project.has_requirements:
        setup.append({"run": "pip install -r requirements.txt"})
    checkout: dict[str, Any] = {"uses": _CHECKOUT[0]}
    job = {"runs-on": "ubuntu-latest", "timeout-minutes": 10}
    mock = [{**checkout, "with": {"fetch-depth": 0}} if project.contract else checkout, *setup, *_gate(project)]
    # PyYAML takes a while to import, and other commands do not need it.
    from pytest_bctrl.cli.yaml_output import yaml_text

    text = yaml_text(
        {
            "name": "contract",
            "on": {"pull_request": None, "schedule": [{"cron": "17 4 * * *"}]},
            "permissions": {"contents": "read"},
            "jobs": {
                "mock": {**job, "steps": mock},
                "nightly": {
                    "if": "github.event_name == 'schedule'",
                    **job,
                    "steps": [checkout, *setup, *_nightly_checks(project)],
                },
            },
        }
    )
    for action, version in (_CHECKOUT, _SETUP_PYTHON):
        text = text.replace(action, f"{action} # {version}")
    return text


def _gate(project: NewProject) -> Iterator[dict[str, Any]]:
    """Yield the steps of a pull request: the mock run, and the drift of the project's own document."""
    yield {"run": "pytest --bctrl-mock"}
    if project.contract:
        # The variable is empty in the nightly run.
        drift = 'pytest-bctrl drift --base "git:origin/$GITHUB_BASE_REF"'
        yield {"if": "github.event_name == 'pull_request'", "run": drift}


def _nightly_checks(project: NewProject) -> Iterator[dict[str, Any]]:
    """Yield the steps of the nightly job: the live run with the variables that it needs, and the drift from upstream.

    That of the packaged contract sends nothing, because its endpoint is retired in production.
    """
    if not project.contract:
        yield {
            "name": "compare the spec; the endpoint is retired in production, so no request is sent to the API",
            "run": "pytest-bctrl drift",
        }
        return
    live: dict[str, Any] = {"run": "pytest --bctrl-live"}
    variables = _variables(project)
    yield {**live, "env": variables} if variables else live
    if project.upstream:
        yield {"if": "!cancelled()", "run": "pytest-bctrl drift"}


def _variables(project: NewProject) -> dict[str, str]:
    """Return the variables of the step that sends requests to the API, with GitHub's expressions for their values."""
    contexts = {}
    if project.summary.credentials:
        contexts[KEY_VARIABLE] = "secrets"
    if project.summary.needs_space_id:
        contexts["BCTRL_SPACE_ID"] = "vars"
    if not project.has_server:
        contexts["BCTRL_BASE_URL"] = "vars"
    return {name: f"${{{{ {context}.{name} }}}}" for name, context in contexts.items()}
