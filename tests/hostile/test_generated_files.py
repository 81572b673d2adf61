"""The files that `pytest-bctrl init` generates from a hostile document contain only the intended calls and keys."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from iniconfig import IniConfig

from pytest_bctrl.cli import main
from pytest_bctrl.contract.read import load
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings.project import read_config
from pytest_bctrl.traffic.origin import base_url, origin_of, values
from tests import UNUSED
from tests.traffic.servers import response, serve

PAYLOADS = (
    "{__import__('os').system('touch CANARY')/1}",
    '"""\n__import__("os").system("touch CANARY")\n"""',
    "'+__import__('os').system('touch CANARY')+'",
    "\\'+open('CANARY','w')#",
    "\n[pytest]\naddopts = -p CANARY\nbctrl_upstream = https://evil.test",
    "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029addopts = -x",
    "$(touch CANARY)`touch CANARY`;touch CANARY|touch CANARY&touch CANARY",
    "$HOME ${HOME} ${{ secrets.TOKEN }} %(home)s %HOME%",
    "x = $HOME",
    "!!python/object/apply:os.system [touch CANARY] &a *a <<: - ? : #",
    "# ; [x] = ]]> --> **b** [a](http://evil.test) <img src=x> | ~~~ ```",
    "\x00\x1b[2J\x7f\u200b\u202e\u3164\ufe0f\U000e0041",
    "##[error]x ::error::x ##vso[task] --- +++",
    "*", "[!a]*", "\\", "\\\\\\", "é😀", "\ud800", "..", "//evil.test", "@evil.test", "%2e%0a", " ",
)  # fmt: skip
"""Metacharacters of Python, ini, TOML, YAML, GitHub, Markdown and shells."""

TOKEN = "!#$%&'*+-.^_`|~aZ09"
"""The characters of a header name (RFC 9110, 5.6.2)."""

TEXTS = st.lists(st.one_of(st.sampled_from(PAYLOADS), st.text(max_size=4)), max_size=3).map("".join)
PATH_TEXTS = TEXTS.map(lambda text: re.sub(r"[?#]", "", text))
"""A path with a query or a fragment excludes its operation."""

HEADER_NAMES = st.text(TOKEN, min_size=1, max_size=12)
NODES = (
    ast.Module, ast.Expr, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.Assert,
    ast.Call, ast.keyword, ast.Attribute, ast.Name, ast.Constant, ast.Dict, ast.BinOp, ast.Add, ast.expr_context,
)  # fmt: skip
CALLS = {
    "bctrl_client.get", "bctrl_client.head", "bctrl_client.options", "assert_conforms", "bctrl_mock.fault",
    "bctrl_mock.requests.assert_conforming",
}  # fmt: skip
NAMES = {"response", "bctrl_client", "bctrl_mock", "bctrl_space_id", "assert_conforms"}
CONFIGURATIONS = {
    "pytest.ini": "", "tox.ini": "[tox]\n[pytest]\n", "setup.cfg": "[tool:pytest]\n",
    "pyproject.toml": "[project]\nname = 'x'\n",
}  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Return a document with one or two operations, in which each text is hostile."""
    paths: dict[str, Any] = {}
    for _ in range(draw(st.integers(1, 2))):
        space, name = draw(st.booleans()), draw(TEXTS)
        segments = [draw(PATH_TEXTS) for _ in range(draw(st.integers(1, 2)))]
        path = "/" + "/".join(segments)
        parameters: list[dict[str, Any]] = []
        if "{" not in name and "}" not in name and "/" not in name and name:
            path += f"/{{{name}}}{draw(PATH_TEXTS)}"
            setting = {"x-bctrl-setting": "space_id"} if space else {}
            parameters.append({**parameter(draw, name, "path"), **setting})
        parameters.append(parameter(draw, draw(TEXTS) or "q", "query"))
        parameters.append(parameter(draw, draw(HEADER_NAMES), "header"))
        paths[path] = {draw(st.sampled_from(["get", "head", "options"])): operation(draw, parameters)}
    return {
        "openapi": draw(st.sampled_from(["3.0.3", "3.1.0"])),
        "info": {"title": draw(TEXTS), "version": draw(TEXTS)},
        "servers": [{"url": draw(TEXTS), "description": draw(TEXTS)}],
        "tags": [{"name": draw(TEXTS)}],
        "security": draw(st.sampled_from([[], [{"k": []}]])),
        "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": draw(HEADER_NAMES)}}},
        "paths": paths,
    }


def parameter(draw: st.DrawFn, name: str, location: str) -> dict[str, Any]:
    """Return a required parameter, with an example or not."""
    examples = draw(st.sampled_from([{}, {"example": draw(TEXTS)}]))
    return {"name": name, "in": location, "required": True, "schema": {"type": "string"}, **examples}


def operation(draw: st.DrawFn, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an operation whose id, texts, media type and header are hostile."""
    schema = {"type": "object", "properties": {draw(TEXTS): {"type": "string", "enum": [draw(TEXTS)]}}}
    content = {draw(st.sampled_from(["application/json", draw(TEXTS)])): {"schema": schema}}
    headers = {draw(HEADER_NAMES): {"schema": {"type": "string", "example": draw(TEXTS)}}}
    return {
        "operationId": draw(TEXTS),
        "summary": draw(TEXTS),
        "description": draw(TEXTS),
        "tags": [draw(TEXTS)],
        "parameters": parameters,
        "responses": {"200": {"description": draw(TEXTS), "content": content, "headers": headers}},
    }


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """Change to a new folder for the block."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        yield Path(name)


def run_init(document: Mapping[str, Any], name: str = "api.json") -> int:
    """Run `init` on a document in the working directory, and return its exit code."""
    Path(name).write_text(json.dumps(document), "utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        code = main(["init", name])
    assert "a bug in pytest-bctrl" not in output.getvalue(), output.getvalue()
    return code


def assert_only_intended_code(text: str) -> None:
    """Check that a test module has the intended imports, functions and calls only."""
    module = ast.parse(text)
    assert [ast.Expr, ast.ImportFrom, ast.FunctionDef, ast.FunctionDef] == [type(node) for node in module.body]
    assert "from pytest_bctrl import assert_conforms" == ast.unparse(module.body[1])
    for node in ast.walk(module):
        assert isinstance(node, NODES), ast.dump(node)
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) in CALLS
        if isinstance(node, ast.Name):
            assert node.id in NAMES
        if isinstance(node, ast.FunctionDef):
            assert node.name.isascii()
            assert node.name.isidentifier()
            assert not node.decorator_list
            assert {argument.arg for argument in node.args.args} <= NAMES
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    assert [] == [token for token in tokens if token.type == tokenize.COMMENT]


def keys(path: Path) -> Mapping[str, Any]:
    """Return pytest's settings in a configuration file."""
    if path.suffix == ".toml":
        settings_: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))["tool"]["pytest"]["ini_options"]
        return settings_
    sections = IniConfig(str(path)).sections
    return sections["tool:pytest" if path.name == "setup.cfg" else "pytest"]


def activate(path: Path) -> None:
    """Remove the comment signs of the suggested lists of values and operations."""
    blocks = []
    for block in path.read_text("utf-8").split("\n\n"):
        comment, *lines = block.split("\n")
        if lines and lines[0].startswith(("# bctrl_values", "# bctrl_optional", "# Left out")):
            lines = [line if line.startswith("# Left out") else line.removeprefix("# ") for line in lines]
        blocks.append("\n".join([comment, *lines]))
    path.write_text("\n\n".join(blocks), "utf-8")


@settings(max_examples=200)
@given(documents(), st.sampled_from(list(CONFIGURATIONS)))
def test_files_of_a_hostile_document_contain_only_the_intended_calls_and_keys(
    document: dict[str, Any], configuration: str
) -> None:
    with new_folder() as folder:
        config = folder / configuration
        if CONFIGURATIONS[configuration]:
            config.write_text(CONFIGURATIONS[configuration], "utf-8")
        before = {path.name for path in folder.iterdir()}
        if run_init(document):
            assert {*before, "api.json"} == {path.name for path in folder.iterdir()}
            return
        assert_only_intended_code((folder / "test_api.py").read_text("utf-8"))
        jobs = yaml.safe_load((folder / ".github/workflows/contract.yml").read_text("utf-8"))
        assert {"name", True, "permissions", "jobs"} == {"on" and key if key != "on" else True for key in jobs}
        assert config.read_text("utf-8").startswith(CONFIGURATIONS[configuration])
        active = {name: value for name, value in keys(config).items() if name != "bctrl_optional"}
        assert {"bctrl_contract": "api.json"} == active
        for path in (config, folder / "test_api.py"):
            assert [] == [line for line in path.read_text("utf-8").split("\n") if line != escape_line(line)]
        assert_suggestions_name_what_the_document_has(config)


def assert_suggestions_name_what_the_document_has(config: Path) -> None:
    """Activate the suggestions, give each parameter a value, and check what the kit reads from them."""
    activate(config)
    config.write_text(config.read_text("utf-8").replace(" = VALUE", " = 7"), "utf-8")
    assert {"bctrl_contract", "bctrl_values", "bctrl_optional"} == set(keys(config))
    contract = load(Path("api.json"))
    labels = [operation.label for operation in contract.operations]
    parameters = {parameter.name for operation in contract.operations for parameter in operation.parameters}
    source = read_config()
    # No variable is read: the environment is empty.
    given_values = values(source, {})
    assert {"7", "value"} >= set(given_values.values())
    for name in given_values:
        assert name == "parameter" or any(name.endswith(parameter) for parameter in parameters)
    for pattern in lookup.file_values(table.OPTIONAL, source):
        assert pattern.value == "GET /admin/*" or 1 >= sum(fnmatchcase(label, pattern.value) for label in labels)


def hostile_document(payload: str) -> dict[str, Any]:
    """Return a document with a payload in each text, whose requests are valid."""
    texts = {"summary": payload, "description": payload, "tags": [payload]}
    space = {"schema": {"type": "string", "format": "uuid"}, "x-bctrl-setting": "space_id"}
    parameters = [
        {"name": "space", "in": "path", "required": True, **space},
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": payload},
        {"name": payload, "in": "query", "required": True, "schema": {"type": "string", "enum": [payload]}},
    ]
    schema = {"type": "object", "description": payload, "properties": {payload: {"type": "string", "enum": [payload]}}}
    answer = {
        "description": payload,
        "content": {"application/json": {"schema": schema, "example": {payload: payload}}},
    }
    paths = {
        f"/{{space}}/{re.sub(r'[?#]', '', payload)}/{{id}}": {
            "get": {**texts, "operationId": payload, "parameters": parameters, "responses": {"200": answer}}
        },
    }
    info = {"title": payload, "version": payload, "description": payload}
    return {"openapi": "3.1.0", "info": info, "servers": [{"url": "/", "description": payload}], "paths": paths}


@pytest.mark.parametrize("payload", [PAYLOADS[0], "".join(PAYLOADS[1:7]), "".join(PAYLOADS[7:12])])
def test_a_run_of_the_generated_files_executes_nothing_from_the_document(payload: str) -> None:
    with new_folder() as folder:
        assert 0 == run_init(hostile_document(payload))
        environment = {**os.environ, "PYTEST_ADDOPTS": f"-p no:randomly {UNUSED}"}
        command = [sys.executable, "-m", "pytest", "-q", "--bctrl-mock"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        assert "test_api.py" in done.stdout or "passed" in done.stdout
        assert [] == list(folder.rglob("*CANARY*"))


SERVERS = (
    "/shop", "shop", "", "/", "@evil.test/", ".evil.test", ":80@evil.test", "//evil.test/x", "\\\\evil.test", "?a#b",
    "/$HOME", "/a b", "/{x}", "/\n[pytest]", "/é",
)  # fmt: skip


@pytest.mark.parametrize("server", SERVERS)
def test_the_base_url_stays_on_the_origin_of_the_document(server: str) -> None:
    """Unless the relative URL names a host, as an absolute one does."""
    document = {**hostile_document("a"), "servers": [{"url": server}]}
    with new_folder() as folder, serve(response(body=json.dumps(document).encode())) as origin:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = main(["init", f"{origin.url}/v2/openapi.json"])
        if code:
            return
        url = keys(folder / "pytest.ini").get("bctrl_base_url")
        if "evil" in server and url is None:
            return
        assert url is not None
        if server.startswith("//"):
            assert f"http:{server}" == url
            return
        assert origin_of(origin.url) == origin_of(base_url(url, where="x"))
        assert "$" not in server or url.endswith(server)
