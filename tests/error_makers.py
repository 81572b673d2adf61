"""Settings, files, servers and contracts with a mistake, for the error triggers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl import mock_fault
from pytest_bctrl.cli.traffic import read_traffic
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.samples import Samples
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.origin import Connection
from tests.contract.documents import contract_of, document

NO_ENTRIES = b'{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": []}}'
KEY = "pk_errors_test_0123456789"


class Given:
    """A replacement for a pytest configuration, with options and ini values."""

    inipath: Path | None = None
    rootpath = Path(__file__).parent

    def __init__(self, ini: Mapping[str, object] | None = None, **options: object) -> None:
        self._ini, self._options = ini or {}, options

    def getoption(self, name: str) -> object:
        """Return the value of an option; None if it was not given."""
        return self._options.get(name)

    def getini(self, name: str) -> object:
        """Return an ini value; empty if it was not given."""
        return self._ini.get(name, "")


def written(folder: Path, text: str | bytes, name: str = "file.yaml") -> str:
    """Write a file to a folder, and return its path."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return str(folder / name)


def run(module: Any, *arguments: str) -> object:
    """Run the command of a module of `pytest_bctrl.cli`, and return its exit code."""
    import argparse

    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments))


def traffic_of_two(folder: Path) -> object:
    """Read a body as traffic of a contract with two operations, so that the operation is not known."""
    return read_traffic([written(folder, "{}")], two())


def server(**arguments: Any) -> MockServer:
    """Return a mock server of the packaged contract that is not started."""
    return MockServer(load(), **arguments)


def bodiless() -> object:
    """Create the samples of an operation whose only response has no body, which raises `DocumentError`."""
    contract = contract_of(responses={"204": {"description": "x"}})
    return Samples(contract, contract.operations[0])


def two() -> Contract:
    """Return a contract with two operations."""
    spec = document()
    spec["paths"]["/v1/others"] = {"get": {"operationId": "others", "responses": {}}}
    return from_document(spec, "things.json")


def https(certificate: Path | str = "", **variables: str) -> object:
    """Return a client for https, created in an environment with only these variables for proxies and certificates."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith(("_proxy", "ssl_cert_file"))]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        return client("https://api.test", None, live=True, connection=Connection(certificate=str(certificate)))


def unchanged(context: object) -> object:
    """Return the argument, which is not a response: the function of an invalid fault."""
    return context


def with_fault(function: Callable[..., Any]) -> object:
    """Return the result of the function of a custom fault, called in a mock server with a wrong argument."""
    mock = server().extend(faults=[mock_fault("mine")(function)])
    return mock.fault("mine").fault.change(object())  # type: ignore[arg-type]


def serve(server: socket.socket, response: bytes) -> None:
    """Accept one connection, receive a request, and send a response."""
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(response)


def scopes_of(number: int) -> dict[str, Any]:
    """Return a document with this number of scopes of OAuth, whose comparison takes less time than that of paths."""
    scopes = {str(index): "" for index in range(number)}
    flow = {"tokenUrl": "https://api.test/token", "scopes": scopes}
    scheme = {"type": "oauth2", "flows": {"clientCredentials": flow}}
    return {"openapi": "3.1.0", "paths": {}, "components": {"securitySchemes": {"oauth": scheme}}}


def nested(levels: int, name: str = "deeper") -> dict[str, Any]:
    """Return objects inside each other, each with a member of this name."""
    return {name: nested(levels - 1, name)} if levels else {}


def listless() -> Any:
    """Return a contract whose response has no list."""
    return contract_of({"type": "object", "properties": {"id": {"type": "string"}}})


def circular() -> object:
    """Resolve a circular reference that was added to a validated contract, which raises `DocumentError`."""
    contract = contract_of(True, {"A": {}})
    contract.document["components"]["schemas"]["A"]["$ref"] = "#/components/schemas/A"
    return contract.resolve({"$ref": "#/components/schemas/A"})


def contradicted(each: str = "") -> Samples:
    """Return the samples of a contract whose schema and invariants contradict each other."""
    rule = {"rule": "r", "level": "error", "because": "x", "each": each, "same": ["a", "b"]}
    schema = {"properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["a", "b"]}
    contract = contract_of(schema, None, **{"x-bctrl-invariants": [rule]})
    return Samples(contract, contract.operations[0])


def listing(schema: Any) -> Samples:
    """Return the samples of a contract whose response is a list of items with this schema."""
    contract = contract_of({"type": "array", "items": schema})
    return Samples(contract, contract.operations[0])


def sampled(schema: Any) -> Any:
    """Return the sample of a contract whose only response body has this schema."""
    contract = contract_of(schema)
    return Samples(contract, contract.operations[0]).sample()
