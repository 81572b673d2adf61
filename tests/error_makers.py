"""What the triggers of errors are made with: settings as given, files, servers and contracts that are not right."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_bctrl import mock_fault
from pytest_bctrl.cli import check, options
from pytest_bctrl.cli.traffic import read_traffic
from pytest_bctrl.contract import overlay
from pytest_bctrl.contract.budget import Budget, BudgetError
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.in_force import contract_in_force
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.drift.sources import read_text
from pytest_bctrl.samples import Samples
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.recordings.har_read import decode
from tests.contract.documents import contract_of, document

NO_ENTRIES = b'{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": []}}'
KEY = "pk_errors_test_0123456789"


class Given:
    """Options and ini values, as a pytest configuration has them."""

    inipath: Path | None = None
    rootpath = Path(__file__).parent

    def __init__(self, ini: Mapping[str, object] | None = None, **options: object) -> None:
        self._ini, self._options = ini or {}, options

    def getoption(self, name: str) -> object:
        return self._options.get(name)

    def getini(self, name: str) -> object:
        return self._ini.get(name, "")


def files(folder: Path, **texts: str) -> ContractFiles:
    """A copy of the packaged contract's files, some of them with another text, or without one where it is empty."""
    made = ContractFiles(folder)
    for name in ("spec", "lock", "overlay", "merged"):
        getattr(made, name).write_bytes(getattr(packaged(), name).read_bytes())
        if name in texts:
            getattr(made, name).write_text(texts[name])
    return made


def lacking(folder: Path) -> object:
    """Choose the contract of a project whose `contracts/` is without the built document."""
    folder.mkdir()
    files(folder).merged.unlink()
    return contract_in_force(None, folder.parent)


def written(folder: Path, text: str | bytes, name: str = "file.yaml") -> str:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return str(folder / name)


def run(module: Any, *arguments: str) -> object:
    import argparse

    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments))


def traffic(folder: Path, text: str, name: str = "file.json") -> object:
    return read_traffic([written(folder, text, name)], load())


def traffic_of_two(folder: Path) -> object:
    return read_traffic([written(folder, "{}")], two())


def applied(action: object, version: str = "1.0.0") -> object:
    return overlay.apply({"overlay": version, "actions": [action]}, document(), "overlay.yaml")


def server(**arguments: Any) -> MockServer:
    return MockServer(load(), **arguments)


def sample(schema: dict[str, Any]) -> object:
    return sampled({"type": "object", "properties": {"id": schema}, "required": ["id"]})


def bodiless() -> object:
    contract = contract_of(responses={"204": {"description": "x"}})
    return Samples(contract, contract.operations[0])


def unread() -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(b"{}"), request=httpx.Request("GET", "https://api.test/v1"))


def two() -> Contract:
    spec = document()
    spec["paths"]["/v1/others"] = {"get": {"operationId": "others", "responses": {}}}
    return from_document(spec, "things.json")


def clumsy(_response: object) -> list[Any]:
    return [{}["name"]]  # type: ignore[index]


def https(certificate: Path | str = "", **variables: str) -> object:
    """A client for https, in an environment that names these variables alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith(("_proxy", "ssl_cert_file"))]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        return client("https://api.test", None, live=True, connection=Connection(certificate=str(certificate)))


def ask_live(method: str, url: str) -> object:
    with client("https://api.test", KEY, live=True) as http:
        return http.request(method, url)


def own(context: object) -> object:
    return context


def plugin(folder: Path, body: str) -> None:
    """Use a module beside the command that makes a mistake as it is imported."""
    name = f"wrong_plugin_{folder.name}"
    written(folder, f"from pytest_bctrl import contract_check\n\n{body}\n", f"{name}.py")
    before, here = list(sys.path), Path.cwd()
    os.chdir(folder)
    try:
        options.gathered([name], {"pytest_bctrl_checks": object})
    finally:
        os.chdir(here)
        sys.path[:] = before


def with_fault(function: Callable[..., Any]) -> object:
    made = server().extend(faults=[mock_fault("mine")(function)])
    return made.fault("mine").fault.change(object())  # type: ignore[arg-type]


def fails(*_arguments: object) -> object:
    raise LookupError("nothing here")


def fetched(response: bytes) -> object:
    """What reading a URL comes to, whose server answers with these bytes once, or is not there for none."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.getsockname()[1]}/page.md"
        if response:
            server.listen()
            thread = threading.Thread(target=serve, args=(server, response))
            thread.start()
        try:
            return read_text(url)
        finally:
            if response:
                thread.join()


def serve(server: socket.socket, response: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(response)


def paths_of(number: int) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {f"/{index}": {"get": {}} for index in range(number)}}


def nested(levels: int, name: str = "deeper") -> dict[str, Any]:
    return {name: nested(levels - 1, name)} if levels else {}


def no_entries() -> None:
    list(check._responses(decode(NO_ENTRIES, "x.har"), "x.har", load(), None, []))


def listless() -> Any:
    return contract_of({"type": "object", "properties": {"id": {"type": "string"}}})


def response_circle() -> dict[str, Any]:
    """A response that is nothing but a reference to itself, in a document that nobody proved."""
    spec = document(responses={"200": {"$ref": "#/components/responses/A"}})
    spec["components"]["responses"] = {"A": {"$ref": "#/components/responses/A"}}
    return spec


def circular() -> object:
    """A circle that no reading comes across, since it was made afterwards."""
    contract = contract_of(True, {"A": {}})
    contract.document["components"]["schemas"]["A"]["$ref"] = "#/components/schemas/A"
    return contract.resolve({"$ref": "#/components/schemas/A"})


def schema_ref(number: int | str = "") -> dict[str, Any]:
    """A reference to one of the schemas `S`, `S1`, `S2`, …"""
    return {"$ref": f"#/components/schemas/S{number}"}


def schemas_in_a_row(count: int) -> dict[str, Any]:
    """So many schemas, each of which refers to the one before it."""
    return {"S0": {}, **{f"S{number}": schema_ref(number - 1) for number in range(1, count + 1)}}


def spent(where: str, steps: int) -> None:
    """Analyse a schema again that took more than a budget has."""
    budget = Budget(steps)
    for _ in range(2):
        with suppress(BudgetError), budget.inside("schema", where):
            budget.spend(f"{where}/properties/a", steps + 1)
    with budget.inside("schema", where):
        pass


def contradicted(each: str = "") -> Samples:
    """Samples of a contract whose schema and invariants cannot both be kept."""
    rule = {"rule": "r", "level": "error", "because": "x", "each": each, "same": ["a", "b"]}
    schema = {"properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["a", "b"]}
    contract = contract_of(schema, None, **{"x-bctrl-invariants": [rule]})
    return Samples(contract, contract.operations[0])


def listing(schema: Any) -> Samples:
    """Samples of a list of such items."""
    contract = contract_of({"type": "array", "items": schema})
    return Samples(contract, contract.operations[0])


def sampled(schema: Any) -> Any:
    """The sample of a contract whose one body has this schema."""
    contract = contract_of(schema)
    return Samples(contract, contract.operations[0]).sample()
