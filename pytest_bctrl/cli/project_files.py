"""The texts of the files that `pytest-bctrl init` writes: configuration, first tests and CI job."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import metadata
from typing import Literal, NamedTuple

from pytest_bctrl.cli.contract_summary import ContractSummary, has_bare_key, value_lines
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.secrets.secret import KEY_VARIABLE

Style = Literal["ini", "toml"]


class ConfigurationEntry(NamedTuple):
    """A setting of the configuration: its comment, and its value or lines; `is_active` is false for a suggestion."""

    comment: str
    name: str
    value: str | Sequence[str]
    is_active: bool = True


class NewProject(NamedTuple):
    """What `init` knows about the project.

    - `contract` is the path of its document, empty for the packaged contract.
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
    has_requirements: bool = False


_MOST_OPTIONAL = 20


def entries(project: NewProject) -> Iterator[ConfigurationEntry]:
    """Yield the settings of a new project, including those that are only suggested in comments."""
    if project.contract:
        text = "The contract, which tests, mock and every command read. What it needs: pytest-bctrl doctor"
        yield ConfigurationEntry(text, "bctrl_contract", project.contract)
    else:
        text = "The contract is the packaged one. To use another OpenAPI document, name it here."
        yield ConfigurationEntry(text, "bctrl_contract", "openapi.yaml", is_active=False)
    if project.summary.needs_space_id:
        text = "The space that --bctrl-live lists; also BCTRL_SPACE_ID."
        yield ConfigurationEntry(text, "bctrl_space_id", "00000000-0000-4000-8000-000000000000", is_active=False)
    if has_bare_key(project.summary):
        text = "The word in front of the key in Authorization, if the API expects one."
        yield ConfigurationEntry(text, "bctrl_key_prefix", "Token", is_active=False)
    url = project.base_url or "https://api.example.com"
    text = "The API that --bctrl-live checks (default: the contract's first server)."
    yield ConfigurationEntry(text, "bctrl_base_url", url, is_active=bool(project.base_url))
    text = "Header fields of every request. $NAME is read from the environment and kept secret."
    yield ConfigurationEntry(
        text, "bctrl_headers", project.headers or ["X-Tenant: $TENANT"], is_active=bool(project.headers)
    )
    missing = [line for line in value_lines(project.summary) if not line.startswith("#")]
    text = "Real values of parameters. --bctrl-live does not check an operation without them."
    yield ConfigurationEntry(text, "bctrl_values", missing or ["parameter = value"], is_active=False)
    unchecked = [
        operation.label
        for operation in project.summary.operations
        if operation.state in _UNCHECKED and operation.label not in project.summary.needs_space_id
    ]
    text = "Operations that --bctrl-live need not check. Without this line, an unchecked one makes the exit code 2."
    yield ConfigurationEntry(text, "bctrl_optional", unchecked[:_MOST_OPTIONAL] or ["GET /admin/*"], is_active=False)
    text = "The maximum rate of requests to the API (default: adapted to its responses)."
    yield ConfigurationEntry(text, "bctrl_rate", "30/m", is_active=False)


_UNCHECKED = ("no value", "not checked", "excluded")


def configuration(table: str, style: Style, settings: Iterable[ConfigurationEntry]) -> str:
    """Return a table of pytest's configuration as text, in which each setting has a comment."""
    blocks = [f"[{table}]"]
    for entry in settings:
        lines = _toml_lines(entry) if style == "toml" else _ini_lines(entry)
        # A path or a name of the document must not end its line.
        lines = list(map(escape_line, lines))
        if not entry.is_active:
            lines = [f"# {line}" for line in lines]
        blocks.append("\n".join([f"# {entry.comment}", *lines]))
    return "\n\n".join(blocks) + "\n"


def _ini_lines(entry: ConfigurationEntry) -> list[str]:
    """Return the lines of a setting in an ini file."""
    if isinstance(entry.value, str):
        return [f"{entry.name} = {entry.value}"]
    return [f"{entry.name} =", *(f"  {value}" for value in entry.value)]


def _toml_lines(entry: ConfigurationEntry) -> list[str]:
    """Return the lines of a setting in a TOML file."""
    if isinstance(entry.value, str):
        return [f"{entry.name} = {_toml_text(entry.value)}"]
    return [f"{entry.name} = [", *(f"  {_toml_text(value)}," for value in entry.value), "]"]


def _toml_text(text: str) -> str:
    """Return a text as a TOML string."""
    # A basic string of TOML has the escapes of JSON.
    return json.dumps(text, ensure_ascii=False)


def first_tests(project: NewProject) -> str:
    """Return a test module with two tests: a response conforms, and a client retries after a failure."""
    operation = project.operation
    fixtures = ["bctrl_mock"] if project.on_mock_only else []
    fixtures.append("bctrl_client")
    call, fixtures = _request_expression(project, fixtures)
    name = re.sub(r"[^0-9a-z]+", "_", (operation.operation_id or operation.label).lower()).strip("_") or "request"
    retry = list(dict.fromkeys(["bctrl_mock", *fixtures]))
    return f'''"""First tests of {_docstring_text(operation.label)}.

They send requests to a mock of the API. With --bctrl-live, the tests without bctrl_mock send them to the API itself.
"""

from pytest_bctrl import assert_conforms


def test_{name}_conforms_to_the_contract({", ".join(fixtures)}):
    response = {call}
    assert response.is_success
    assert_conforms(response)


def test_{name}_is_sent_again_after_a_503({", ".join(retry)}):
    bctrl_mock.fault("status", 503, times=1)
    assert {call}.is_success
    bctrl_mock.requests.assert_conforming()
'''


def _docstring_text(text: str) -> str:
    """Return a document's text escaped for use in a docstring."""
    return escape_line(text).replace("\\", "\\\\").replace('"', "'")


def _request_expression(project: NewProject, fixtures: Sequence[str]) -> tuple[str, list[str]]:
    """Return the expression that sends the request, and `fixtures` with one more if the expression needs it."""
    operation, fixtures = project.operation, list(fixtures)
    setting = {parameter.name for parameter in operation.path_parameters if parameter.setting == "space_id"}
    values = {name: "{bctrl_space_id}" if name in setting else value for name, value in project.inputs.path.items()}
    url = json.dumps(Inputs(values, project.inputs.query).target(operation))
    if setting:
        fixtures.append("bctrl_space_id")
        url = "f" + url.replace("%7Bbctrl_space_id%7D", "{bctrl_space_id}")
    arguments = [url]
    if project.inputs.headers:
        arguments.append(f"headers={json.dumps(dict(project.inputs.headers))}")
    return f"bctrl_client.{operation.method.lower()}({', '.join(arguments)})", fixtures


def repository_url() -> str:
    """Return the URL of the kit's source repository."""
    urls: dict[str, str] = dict(entry.split(", ", 1) for entry in metadata("pytest-bctrl").get_all("Project-URL", []))
    return urls["Source"]


def install_command() -> str:
    """Return the command that installs the kit from its repository; no release has been published yet."""
    return f'pip install "pytest-bctrl[contract] @ git+{repository_url()}"'


def workflow(project: NewProject) -> str:
    """Return a workflow of GitHub Actions: the tests on every change, and every night the API or its spec."""
    setup = _SETUP.format(install=install_command())
    if project.has_requirements:
        setup += "      - run: pip install -r requirements.txt\n"
    nightly = _SPEC
    if project.contract:
        nightly = _LIVE + _environment_lines(project)
    return _WORKFLOW + setup + _MOCK + _NIGHTLY + setup + nightly


def _environment_lines(project: NewProject) -> str:
    """Return the `env` lines of the step that sends requests to the API; empty if it needs no variable."""
    values = {}
    if project.summary.credentials:
        values[KEY_VARIABLE] = "secrets"
    if project.summary.needs_space_id:
        values["BCTRL_SPACE_ID"] = "vars"
    if not project.has_server:
        values["BCTRL_BASE_URL"] = "vars"
    lines = [f"          {name}: ${{{{ {context}.{name} }}}}\n" for name, context in values.items()]
    if not lines:
        return ""
    return "".join(["        env:\n", *lines])


_WORKFLOW = """\
name: contract
on:
  pull_request:
  schedule:
    - cron: "17 4 * * *"
permissions:
  contents: read
jobs:
  mock:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
"""
_SETUP = """\
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      # After the first release: pip install "pytest-bctrl[contract]"
      - run: {install}
"""
_MOCK = """\
      - run: pytest --bctrl-mock
"""
_NIGHTLY = """\
  nightly:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
"""
_SPEC = """\
      # The endpoint is retired in production, so this job compares its spec and sends no request to the API.
      - run: pytest-bctrl drift --format text
"""
_LIVE = """\
      - run: pytest --bctrl-live
"""
