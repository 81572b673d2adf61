"""Parts of the watch that few suites reach."""

from __future__ import annotations

import gc
import http.client
import importlib
import importlib.util
import inspect
import io
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from pytest_bctrl.findings.finding import Levels
from pytest_bctrl.watch.checking import WatchedContract, WatchedTest
from pytest_bctrl.watch.exchange import WatchedExchange
from pytest_bctrl.watch.importing import HOOKS, LibraryHooks
from pytest_bctrl.watch.libraries import http_client_hook, urllib3_hook, werkzeug_hook
from pytest_bctrl.watch.patches import ObjectValues, Patches
from pytest_bctrl.watch.recorder import Recorder
from pytest_bctrl.watch.selection import watched_servers
from tests.exchanges.catalogue import ORDERS_CONTRACT
from tests.watch.suite_parts import SERVER


def test_a_method_that_a_library_does_not_have_is_named() -> None:
    """`Patches.wrap` of a missing name changes nothing; `missing` has the name if it is required."""

    class Library:
        pass

    patches = Patches()
    patches.wrap(Library, "absent", lambda function: function)
    patches.wrap(Library, "optional", lambda function: function, is_required=False)
    assert ["Library.absent"] == patches.missing
    assert not {"absent", "optional"} & set(vars(Library))
    patches.undo()


class Library:
    """A library with a method, of which `Derived` has none of its own."""

    def send(self, request: str, *, retries: int = 3) -> str:
        """Return a text."""
        return f"{request} {retries}"


class Derived(Library):
    pass


def _observing(function: Any) -> Any:
    """Return a function that adds a mark to what another one returns."""
    return lambda *arguments, **named: f"{function(*arguments, **named)}!"


def test_a_replaced_method_looks_like_the_original_and_is_restored() -> None:
    original, patches = Library.send, Patches()
    for owner in (Library, Derived, Library):
        patches.wrap(owner, "send", _observing)
    assert ("a 3!", "a 2!!") == (Library().send("a"), Derived().send("a", retries=2))
    assert inspect.signature(Library.send) == inspect.signature(original)
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
        assert getattr(Library.send, name) == getattr(original, name)
    patches.undo()
    assert Library.send is original
    assert "send" not in vars(Derived)


def test_all_methods_are_restored_before_an_error_is_raised() -> None:
    class Sealed(type):
        def __setattr__(cls, name: str, value: object) -> None:
            if getattr(cls, "is_sealed", False):
                raise TypeError("it is sealed")
            super().__setattr__(name, value)

    class Strange(metaclass=Sealed):
        def send(self) -> None:
            pass

    original, patches = Library.send, Patches()
    patches.wrap(Library, "send", _observing)
    patches.wrap(Strange, "send", _observing)
    type.__setattr__(Strange, "is_sealed", True)
    with pytest.raises(TypeError, match="it is sealed"):
        patches.undo()
    assert Library.send is original


def test_an_attachment_belongs_to_one_object_and_ends_with_it() -> None:
    """Equal objects have values of their own."""

    class Equal:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    attachments: ObjectValues[str] = ObjectValues()
    first, second = Equal(), Equal()
    attachments.set(first, "first")
    assert ("first", None) == (attachments.get(first), attachments.get(second))
    attachments.set(first, "again")
    assert ("again", None) == (attachments.pop(first), attachments.pop(first))
    attachments.set(first, "last")
    assert vars(first) == {}
    del first
    gc.collect()
    assert not attachments._values


def test_a_library_that_is_not_installed_cannot_be_imported(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import hook raises `ModuleNotFoundError` for it, as without the watch."""
    monkeypatch.setitem(HOOKS, "no_such_library", "libraries.httpx_hook")
    hooks = LibraryHooks(Recorder(pytester.path))
    hooks.install()
    try:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("no_such_library")
    finally:
        hooks.uninstall()


def test_a_module_keeps_its_own_loader(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook runs for the imported module, whose loader still returns its source."""
    pytester.makepyfile(some_library="VALUE = __loader__")
    pytester.syspathinsert()
    installed: list[Any] = []
    monkeypatch.setitem(HOOKS, "some_library", "libraries.httpx_hook")
    monkeypatch.setattr("pytest_bctrl.watch.libraries.httpx_hook.install", lambda module, *_: installed.append(module))
    hooks = LibraryHooks(Recorder(pytester.path))
    hooks.install()
    try:
        module: Any = importlib.import_module("some_library")
    finally:
        hooks.uninstall()
        sys.modules.pop("some_library", None)
    assert module is installed[-1]
    assert module.VALUE is module.__loader__ is module.__spec__.loader
    assert "VALUE" in module.__loader__.get_source("some_library")


def test_the_loader_of_a_library_that_is_not_imported_has_its_source(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`find_spec` returns a spec whose loader returns the source, as without the watch."""
    path = pytester.makepyfile(some_library="VALUE = 1")
    pytester.syspathinsert()
    monkeypatch.setitem(HOOKS, "some_library", "libraries.httpx_hook")
    hooks = LibraryHooks(Recorder(pytester.path))
    hooks.install()
    try:
        spec = importlib.util.find_spec("some_library")
    finally:
        hooks.uninstall()
    assert isinstance(spec, ModuleSpec)
    loader: Any = spec.loader
    assert (loader.get_source("some_library"), loader.path) == ("VALUE = 1", str(path))


def test_a_folder_with_the_name_of_a_library_is_imported(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the project without `__init__.py`, such as one of recorded responses, is a namespace package."""
    folder = pytester.mkdir("some_library")
    pytester.syspathinsert()
    monkeypatch.setitem(HOOKS, "some_library", "libraries.httpx_hook")
    hooks = LibraryHooks(Recorder(pytester.path))
    hooks.install()
    try:
        module = importlib.import_module("some_library")
    finally:
        hooks.uninstall()
        sys.modules.pop("some_library", None)
    assert {str(folder)} == {*module.__path__}
    # Other tests of this process may have imported libraries that are not observed.
    assert [] == [sentence for sentence in hooks.unobserved if "some_library" in sentence]


@pytest.mark.parametrize(
    ("stream", "expected", "unread"),
    [
        (io.BytesIO(b"body"), b"body", ""),
        (None, b"", ""),
        (io.BufferedReader(io.BytesIO(b"body")), b"", "the application reads it from a stream"),
    ],
)
def test_the_input_of_a_wsgi_application_is_not_consumed(stream: Any, expected: bytes, unread: str) -> None:
    """The application can still read the body, which is kept if it is in memory."""
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/a b", "QUERY_STRING": "c=d", "wsgi.input": stream}
    exchange = werkzeug_hook.exchange_of_environ("werkzeug", environ)
    assert "http://testserver/a%20b?c=d" == exchange.url
    assert (expected, unread) == (exchange.request_body.content, exchange.request_body.unread)
    assert stream is None or stream.read() == b"body"


@pytest.mark.parametrize(
    ("connection", "target", "expected"),
    [
        (http.client.HTTPConnection("a.example", 81), "/b", "http://a.example:81/b"),
        (http.client.HTTPSConnection("a.example"), "/b", "https://a.example:443/b"),
        (http.client.HTTPConnection("::1", 80), "/b", "http://[::1]:80/b"),
        (http.client.HTTPConnection("proxy.example"), "http://a.example/b", "http://a.example/b"),
    ],
)
def test_the_url_of_a_connection_has_its_host(connection: Any, target: str, expected: str) -> None:
    """That of `http.client`, from host, port and target."""
    assert expected == http_client_hook._request_url(connection, target)


@pytest.mark.parametrize(("host", "port", "expected"), [("a", 81, "a:81"), ("a", None, "a"), ("::1", 80, "[::1]:80")])
def test_the_host_of_a_pool_has_its_port_if_any(host: str, port: int | None, expected: str) -> None:
    class Pool:
        pass

    pool: Any = Pool()
    pool.host, pool.port = host, port
    assert expected == urllib3_hook._host_and_port(pool)


def check(url: str, *contents: bytes, servers: tuple[str, ...] = (SERVER,)) -> WatchedTest:
    """Return the results of checking exchanges with a URL, whose responses have these bodies."""
    contract = replace(ORDERS_CONTRACT, servers=servers)
    exchanges = []
    for content in contents:
        exchange = WatchedExchange("a library", "GET", url, ((b"accept", "*/*"),), status=200)  # type: ignore[arg-type]
        exchange.receive(200, [(b"content-type", b"application/json")])
        exchange.response_body.set(content)
        exchange.request_body.set(b"")
        exchange.request_headers = ()
        exchanges.append(exchange)
    return WatchedContract(contract, watched_servers(contract, "", ()), Levels(), ()).check(exchanges, WatchedTest())


def test_a_server_without_a_host_names_no_origin() -> None:
    """Of the contract's servers `/v1` and one with a host, requests to that host are checked."""
    assert {"GET /orders": 1} == check(f"{SERVER}/orders", b"[]", servers=("/v1", SERVER)).account.operations


@pytest.mark.parametrize("url", ["unix:///orders", "mock://orders.example:port/orders", "http://:80/orders"])
def test_a_url_without_an_origin_is_not_checked(url: str) -> None:
    """Without a host, or with a port that is not a number, the check of an exchange has no operations."""
    result = check(url, b"[]")
    assert {} == result.account.operations
    assert {} == result.account.notes("foreign")
    assert "1 exchange: 1 foreign" == str(result.account)


def test_large_bodies_and_equal_exchanges_are_checked() -> None:
    """Four are checked, and the broken one is found."""
    bodies = (b"[]", b"{}", b"[]" + b" " * 70_000, b"[]")
    result = check(f"{SERVER}/orders", *bodies)
    assert {"GET /orders": 4} == result.account.operations
    assert ["response_schema_conformance"] == [finding.rule for finding in result.findings]
