"""Tests that mock or inspect their client, or remove the import hook, see what they see without the watch."""

from __future__ import annotations

import copy
import http.client
import importlib
import inspect
import pickle
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from unittest.mock import create_autospec

import aiohttp
import httpx
import pytest
import requests
import urllib3

from pytest_bctrl.watch.importing import LibraryHooks
from pytest_bctrl.watch.recorder import Recorder
from tests.watch.conftest import CONFORMING, Run
from tests.watch.ways_to_send import CODE

PACKAGES = (httpx, requests, urllib3, aiohttp, http.client)
KINDS = (
    # The first is documented to differ up to Python 3.11.
    *([inspect.iscoroutinefunction] if sys.version_info >= (3, 12) else ()),
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Yield a package and its modules, except those that cannot be imported here."""
    yield package
    for found in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}."):
        if not found.name.endswith(("__main__", "pytest_plugin")) and ".contrib" not in found.name:
            # It may need a package that is not installed.
            with suppress(ImportError):
                yield importlib.import_module(found.name)


def functions() -> dict[tuple[str, str], FunctionType]:
    """Return every function of the client libraries and of their classes, by module and qualified name."""
    owners: dict[int, Any] = {}
    for module in (module for package in PACKAGES for module in modules(package)):
        classes = [value for value in vars(module).values() if isinstance(value, type)]
        owners |= {id(owner): owner for owner in (module, *classes)}
    return {
        (f"{getattr(owner, '__module__', '')} {owner.__name__}", name): value
        for owner in owners.values()
        for name, value in list(vars(owner).items())
        if isinstance(value, FunctionType)
    }


def description(function: FunctionType) -> dict[str, Any]:
    """Return what a test can ask about a function."""
    names = ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "__type_params__")
    described = {name: getattr(function, name, None) for name in names}
    described |= {kind.__name__: kind(function) for kind in KINDS}
    described["signature"] = str(inspect.signature(function))
    # That of a dataclass is generated.
    with suppress(OSError):
        described["source"] = inspect.getsourcelines(function)
    return described


def test_every_function_of_the_client_libraries_looks_the_same(tmp_path: Path) -> None:
    """Each function that the watch replaces has the same metadata, kind, source and pickle, and a working autospec."""
    before = functions()
    descriptions = {key: description(function) for key, function in before.items()}
    hooks = LibraryHooks(Recorder(tmp_path))
    hooks.install()
    try:
        after = functions()
        replaced = {key: function for key, function in after.items() if function is not before.get(key)}
        assert len(replaced) > 30
        assert after.keys() == before.keys()
        assert {key: description(function) for key, function in after.items()} == descriptions
        for key, function in replaced.items():
            assert pickle.loads(pickle.dumps(function)) is copy.copy(function) is function
            specified, original = create_autospec(function), create_autospec(before[key])
            assert inspect.signature(specified) == inspect.signature(original)
            assert type(specified) is type(original)
        with pytest.raises(TypeError, match="unexpected keyword argument 'bogus'"):
            create_autospec(urllib3.HTTPResponse).read(bogus=1)
    finally:
        hooks.uninstall()
    assert functions() == before


MOCKED = """
import gc
import pickle
import weakref

ANSWER = httpx.Response(200, json=[STORED])


def answer():
    response = requests.Response()
    response.status_code, response.url, response.headers = 200, URL, JSON
    response.raw = io.BytesIO(json.dumps([STORED]).encode())
    return response


def test_an_adapter():
    with requests.Session() as session:
        adapter = session.get_adapter(URL)
        adapter.send = mock.Mock(return_value=answer())
        assert session.get_adapter(URL) is adapter
        assert session.get(URL).json() == [STORED]
        adapter.send.assert_called_once()


def test_an_adapter_of_the_class():
    with mock.patch("requests.adapters.HTTPAdapter.send", autospec=True, return_value=answer()) as send:
        assert requests.get(URL).json() == [STORED]
        send.assert_called_once()
        assert requests.adapters.HTTPAdapter.send is send


def test_a_hook_of_a_request():
    hooks = []
    def hook(response, **named):
        hooks.append(response.request.hooks["response"])
    with mock.patch("requests.adapters.HTTPAdapter.send", return_value=answer()) as send:
        send.return_value.request = request = requests.Request("GET", URL, hooks={"response": hook}).prepare()
        with requests.Session() as session:
            session.send(request)
    assert hooks == [[hook]] and request.hooks["response"] == [hook]


def test_a_client():
    with httpx.Client() as client:
        client._send_single_request = mock.Mock(return_value=ANSWER)
        assert client.get(URL).json() == [STORED]
        client._send_single_request.assert_called_once()


def test_an_asynchronous_client():
    async def get():
        async with httpx.AsyncClient() as client:
            client._send_single_request = mock.AsyncMock(return_value=ANSWER)
            assert (await client.get(URL)).json() == [STORED]
            client._send_single_request.assert_awaited_once()
    asyncio.run(get())


def test_a_transport():
    transport = httpx.HTTPTransport(verify=False)
    with httpx.Client(transport=transport) as client:
        transport.handle_request = mock.Mock(side_effect=lambda request: httpx.Response(200, json=[STORED]))
        assert client.get(URL).json() == [STORED]
        transport.handle_request.assert_called_once()


def test_a_transport_that_is_patched_and_restored():
    transport = httpx.MockTransport(respond)
    with mock.patch.object(transport, "handle_request", wraps=transport.handle_request) as handle:
        with httpx.Client(transport=transport) as client:
            assert client.get(URL).json() == [STORED]
        handle.assert_called_once()
        assert transport.handle_request is handle
    assert "handle_request" not in vars(transport)


def test_a_bound_method():
    transport = httpx.MockTransport(respond)
    assert transport.handle_request == transport.handle_request
    assert transport.handle_request.__self__ is transport
    assert weakref.WeakMethod(transport.handle_request)() == transport.handle_request
    assert isinstance(transport.handle_request, types.MethodType)
    adapter = requests.adapters.HTTPAdapter()
    assert adapter.send == adapter.send and adapter.send.__self__ is adapter


def test_a_client_whose_transports_are_counted():
    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        with mock.patch.object(client, "_transport_for_url", wraps=client._transport_for_url) as transport_for_url:
            client.get(URL)
        transport_for_url.assert_called_once()


def test_a_session():
    async def get():
        async with aiohttp.ClientSession() as session:
            response = Built(_body=json.dumps([STORED]).encode())
            session._request = mock.AsyncMock(return_value=response)
            assert await (await session.get(URL)).json() == [STORED]
            session._request.assert_awaited_once_with("GET", URL, allow_redirects=True)
            async with session.post(url=URL, json=json.loads(TEXT)):
                pass
            session._request = mock.Mock(side_effect=ValueError)
            with pytest.raises(ValueError):
                await session.get(URL)
    asyncio.run(get())


def test_the_streams_of_a_response(url):
    with httpx.Client() as client, client.stream("GET", url) as response:
        assert type(response.stream).__module__ == "httpx._client"
        response.read()


class Reading(httpx.BaseTransport):
    def handle_request(self, request):
        self.stream = request.stream
        assert b"".join(request.stream) == TEXT.encode()
        return httpx.Response(201, json=STORED)


def test_the_stream_of_a_request():
    transport = Reading()
    with httpx.Client(transport=transport) as client:
        request = client.build_request("POST", URL, content=parts(), headers=JSON)
        stream = request.stream
        assert client.send(request).json() == STORED
    assert request.stream is transport.stream is stream
    assert type(stream).__name__ == "IteratorByteStream"


def test_the_attributes_of_a_response(url):
    response = requests.get(url, stream=True)
    attributes = {*vars(response), *vars(response.raw), *vars(response.raw._original_response)}
    assert not [name for name in attributes if "bctrl" in name]
    assert pickle.loads(pickle.dumps(response)).json() == response.json() == [STORED]


class Own(httpx.SyncByteStream):
    def __init__(self):
        self.parts = parts()

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.parts)


def test_a_stream_that_is_its_own_iterator():
    with httpx.Client(transport=Reading()) as client:
        assert client.post(URL, content=Own(), headers=JSON).json() == STORED
"""


def test_mocks_and_attributes_of_clients_are_those_of_the_test(watch: Run, pytester: pytest.Pytester) -> None:
    """Each test passes with and without the watch, and the exchanges of mocks are observed."""
    result = watch(f"{CODE}{MOCKED}", "-o", "bctrl_levels=status_code_conformance = off")
    count = MOCKED.count("\ndef test_")
    result.assert_outcomes(passed=count)
    result.stdout.fnmatch_lines(["checked      14 exchanges: 14 checked; *"])


def test_a_test_may_remove_the_import_hook(watch: Run) -> None:
    """Everything is restored when the run ends."""
    original = requests.Session.send
    removing = """
import sys

def test_it():
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "LibraryHooks"]
"""
    result = watch(CONFORMING + removing)
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    assert requests.Session.send is original
    assert not [finder for finder in sys.meta_path if isinstance(finder, LibraryHooks)]
