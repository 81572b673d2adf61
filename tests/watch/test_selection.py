"""Which exchanges a watched run checks, and which libraries it observes."""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatch

import aiohttp
import pytest
from requests import Response
from urllib3.connectionpool import HTTPConnectionPool

from pytest_bctrl.watch.importing import UNOBSERVED
from tests.watch.conftest import BOTH, CONFORMING, Run


def test_a_request_to_no_operation_is_listed(watch: Run) -> None:
    """Two equal requests are one line, with `{id}` for each identifier, and the run passes."""
    url = "https://orders.example/order/5b1e0c8e-0000-4000-8000-00000000bc71/v1/7"
    result = watch(CONFORMING + f"def test_it():\n    list_orders(url={url!r})\n    list_orders(url={url!r})\n")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        ["unmatched    your code sends GET /order/{id}/v1/{id}, which the contract does not have (orders.py:12, *)"]
    )


def test_a_request_to_no_operation_from_several_lines_is_listed_once(watch: Run) -> None:
    """Three lines send it: the sentence names the first line and its test, and counts the other two."""
    result = watch(
        CONFORMING
        + """
def put():
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))).put

def test_it():
    put()("https://orders.example/order")
    put()("https://orders.example/order")

def test_other():
    put()("https://orders.example/order")
"""
    )
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        [
            "unmatched    your code sends PUT /order, which the contract does not have "
            "(test_orders.py:11 and 2 other lines, test_orders.py::test_it)"
        ]
    )


def test_a_documented_path_with_another_method_is_listed(watch: Run) -> None:
    result = watch(
        CONFORMING + "def test_it():\n"
        "    httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))).put('https://orders.example/orders')\n"
    )
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["unmatched    your code sends PUT /orders, which the contract does not have *"])


def test_a_preflight_is_not_listed_and_a_wrong_path_on_this_machine_is(watch: Run) -> None:
    """As by the proxy; an OPTIONS request without the header field of a preflight is listed too."""
    result = watch(
        CONFORMING
        + """
PREFLIGHT = {"Access-Control-Request-Method": "PUT"}

def test_it():
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    client.options("https://orders.example/orders", headers=PREFLIGHT)
    client.options("http://localhost/other")
"""
    )
    lines = [line for line in result.outlines if line.startswith("unmatched")]
    assert ["OPTIONS /other,"] == [" ".join(line.split()[4:6]) for line in lines]


SERVED = """
from local_server import Handler, serving

@pytest.fixture
def port():
    class Server(Handler):
        def do_GET(self):
            self.respond(299, headers={})

    with serving(Server) as url:
        yield url.rpartition(":")[2]

def test_it(port, monkeypatch):
    import socket
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: real("127.0.0.1", *rest, **named))
    httpx.get(f"http://HOST:{port}/orders")
"""


@pytest.mark.parametrize(
    ("host", "settings", "is_checked"),
    [
        ("127.0.0.1", "", True),
        ("elsewhere.example", "", False),
        ("elsewhere.example", "bctrl_watch_hosts = elsewhere.example", True),
        ("elsewhere.example", "bctrl_watch_hosts = elsewhere.example:1", False),
    ],
)
def test_only_watched_hosts_are_checked(
    watch: Run, pytester: pytest.Pytester, host: str, settings: str, is_checked: bool
) -> None:
    pytester.makeini(f"[pytest]\n{settings}\n")
    result = watch(CONFORMING + SERVED.replace("HOST", host))
    result.assert_outcomes(passed=2, errors=int(is_checked))


@pytest.mark.parametrize(
    ("servers", "url", "is_checked"),
    [
        ([{"url": "https://files.example"}], "https://files.example/orders", True),
        ([{"url": "https://files.example/api/"}], "https://files.example/api/orders", True),
        (
            [{"url": "https://{region}.files.example", "variables": {"region": {"default": "eu"}}}],
            "https://eu.files.example/orders",
            True,
        ),
        ([{"url": "https://files.example"}], "https://other.example/orders", False),
        ([{"url": "https://[files"}, {"url": 7}, {}, 7], "https://files.example/orders", False),
        ("https://files.example", "https://files.example/orders", False),
    ],
)
@pytest.mark.parametrize("is_of_path", [True, False], ids=["of the path", "of the operation"])
def test_a_server_of_a_path_or_operation_is_watched(
    watch: Run, pytester: pytest.Pytester, servers: object, url: str, is_checked: bool, is_of_path: bool
) -> None:
    path = pytester.path / "orders.json"
    document = json.loads(path.read_text("utf-8"))
    item = document["paths"]["/orders"]
    if is_of_path:
        item["servers"] = servers
    else:
        item["get"]["servers"] = servers
    path.write_text(json.dumps(document), "utf-8")
    server = SERVED.partition("@pytest.fixture")[0]
    result = watch(
        f"{CONFORMING}{server}\nclass Own(httpx.BaseTransport):\n    def handle_request(self, request):\n"
        "        return httpx.Response(299)\n\ndef test_it():\n    httpx.Client(transport=Own()).get("
        f"{url!r})\n"
    )
    result.assert_outcomes(passed=2, errors=int(is_checked))
    assert is_checked != ("which is not a server of the contract" in result.stdout.str())


def test_an_exchange_with_another_server_is_not_checked(watch: Run) -> None:
    """A path of the contract at a server that the contract does not have is listed; another path there is not."""
    result = watch(
        CONFORMING
        + SERVED.partition("@pytest.fixture")[0]
        + """
class Own(httpx.BaseTransport):
    def handle_request(self, request):
        return httpx.Response(299)

def test_it():
    with httpx.Client(transport=Own(), base_url="http://user:password@test") as client:
        client.get("/orders")
        client.get("/orders")
        client.get("/other")
"""
    )
    assert pytest.ExitCode.OK == result.ret
    text = result.stdout.str()
    assert (
        "not checked  2 exchanges with http://test:80, which is not a server of the contract, such as GET /orders "
        "(bctrl_watch_hosts = test adds it)\n"
    ) in text
    assert "/other" not in text
    assert "password" not in text


_OWN_SCHEME = """
import json
import requests

class Adapter(requests.adapters.BaseAdapter):
    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers["Content-Type"] = "application/json"
        response._content = json.dumps([{"id": 7, "qty": 1, "size": "l"}]).encode()
        return response

    def close(self):
        pass

def test_it():
    with requests.Session() as session:
        session.mount("URL", Adapter())
        session.get("URL/orders")
"""


@pytest.mark.parametrize(
    "url", ["http+unix://%2Frun%2Fapi.sock", "https+unix://%2Fa", "http+docker://localhost", "http://%2Frun%2Fapi.sock"]
)
def test_a_socket_of_this_machine_is_watched(watch: Run, url: str) -> None:
    """Adapters of requests name a socket or a pipe by a scheme or a host of their own: the response is checked."""
    result = watch(CONFORMING + _OWN_SCHEME.replace("URL", url))
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["checked      2 exchanges: 2 checked; 2 tests, *"])


@pytest.mark.parametrize(
    ("url", "shown", "host"),
    [
        # As in the documentation of requests-mock.
        ("mock://api.example", "mock://api.example", "api.example"),
        ("https://api_1.example", "https://api_1.example:443", "api_1.example"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:443", "[2001:db8::1]:443"),
    ],
)
def test_an_exchange_with_another_server_is_checked_when_its_host_is_listed(
    watch: Run, pytester: pytest.Pytester, url: str, shown: str, host: str
) -> None:
    """The summary names the server and the line of the settings that adds it; the line is right."""
    tests = CONFORMING + _OWN_SCHEME.replace("URL", url)
    result = watch(tests)
    result.assert_outcomes(passed=2)
    line = f"not checked  1 exchange with {shown}, which is not a server of the contract, such as GET /orders "
    setting = f"bctrl_watch_hosts = {host.removesuffix(':443')}"
    assert f"{line}({setting} adds it)" in result.outlines
    pytester.makeini(f"[pytest]\nbctrl_watch_hosts = {host}\n")
    watch(tests).assert_outcomes(passed=2, errors=1)


@pytest.mark.parametrize(("key", "is_documented"), [("503", True), ("5XX", True), ("default", True), ("500", False)])
def test_a_server_error_that_the_contract_documents_is_no_finding(
    watch: Run, pytester: pytest.Pytester, key: str, is_documented: bool
) -> None:
    """Tests of clients let their mocks return the status 503; another status of a mock is info."""
    path = pytester.path / "orders.json"
    document = json.loads(path.read_text("utf-8"))
    document["paths"]["/orders"]["get"]["responses"][key] = {"description": "busy"}
    path.write_text(json.dumps(document), "utf-8")
    result = watch("def test_it():\n    list_orders({}, status=503)\n")
    result.assert_outcomes(passed=1)
    info = (
        "info         GET /orders: status_code_conformance at status: a mock returned a status that the contract does"
    )
    assert is_documented == (info not in result.stdout.str())


def test_the_base_url_is_watched_with_its_path(watch: Run) -> None:
    """With `--bctrl-base-url`, a response of that host with an undocumented status is an error."""
    tests = "def test_it():\n    list_orders(status=299, url='https://proxy.example/api/orders')\n"
    tests = tests.replace("list_orders", "through_proxy") + (
        "\ndef through_proxy(status, url):\n"
        "    class Proxy(httpx.BaseTransport):\n"
        "        def handle_request(self, request):\n"
        "            return httpx.Response(status)\n\n"
        "    httpx.Client(transport=Proxy()).get(url)\n"
    )
    result = watch(tests, "--bctrl-base-url=https://proxy.example/api")
    result.assert_outcomes(passed=1, errors=1)


@pytest.mark.parametrize("host", ["https://a.example", "a.example/path", "a b"])
def test_an_invalid_watched_host_is_a_usage_error(watch: Run, pytester: pytest.Pytester, host: str) -> None:
    """A URL, a path or a space in `bctrl_watch_hosts`."""
    pytester.makeini(f"[pytest]\nbctrl_watch_hosts = {host}\n")
    result = watch(CONFORMING)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"*bctrl_watch_hosts (ini): '{host}' is not a host*"])


@pytest.mark.parametrize(
    ("owner", "attribute", "missing"),
    [
        (
            HTTPConnectionPool,
            "_make_request",
            "urllib3 * has no HTTPConnectionPool._make_request",
        ),
        (Response, "iter_content", "requests * has no Response.iter_content"),
        (aiohttp, "StreamReader", "aiohttp * has no StreamReader"),
    ],
    ids=["a method", "a method of a response", "a class"],
)
def test_a_library_that_cannot_be_observed_is_not_checked(
    watch: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, owner: object, attribute: str, missing: str
) -> None:
    """Without a method or class of one library, the report names it as not checked; an exchange of httpx is checked."""
    monkeypatch.delattr(owner, attribute)
    result = watch(CONFORMING, "--bctrl-report=report.json")
    result.assert_outcomes(passed=1)
    line = f"{missing}: the watch does not observe this version, or not completely"
    result.stdout.fnmatch_lines(["checked      1 exchange: 1 checked; 1 test*", f"not checked  {line}"])
    not_checked = json.loads(pytester.path.joinpath("report.json").read_text("utf-8"))["not_checked"]
    assert 1 == len([reason for reason in not_checked if fnmatch(reason, line)])


def test_a_library_that_workers_cannot_observe_is_not_checked(
    watch: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both of two workers lack the method: the output names it once."""
    # This test may run in a worker itself.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest(
        """
        import os
        import urllib3

        if "PYTEST_XDIST_WORKER" in os.environ:
            del urllib3.connectionpool.HTTPConnectionPool._make_request
        """
    )
    tests = "".join(f"def test_{number}():\n    list_orders()\n" for number in range(4))
    text = watch(tests, "-n", "2").stdout.str()
    assert 1 == text.count("has no HTTPConnectionPool._make_request: the watch does not observe this version")


@pytest.mark.parametrize("is_imported_first", [False, True])
def test_a_client_that_is_not_observed_is_named(
    watch: Run, pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, is_imported_first: bool
) -> None:
    """Installed modules with the names of such clients: the output has each one once, the project's own module not."""
    folder = tmp_path_factory.mktemp("installed")
    names = sorted(UNOBSERVED)
    for name in names[1:]:
        path = folder.joinpath(*name.split("."))
        path.mkdir(parents=True)
        for package in (path, *path.parents[: name.count(".")]):
            package.joinpath("__init__.py").touch()
    imports = f"import sys; sys.path.insert(0, {str(folder)!r})\n" + "".join(f"import {name}\n" for name in names[1:])
    pytester.path.joinpath(f"{names[0]}.py").touch()
    tests = f"import {names[0]}\n" + CONFORMING
    if is_imported_first:
        pytester.makeconftest(imports)
    else:
        tests += imports.replace("import", "    import")
    result = watch(tests)
    assert pytest.ExitCode.OK == result.ret
    lines = [line for line in result.outlines if "is imported: " in line]
    assert sorted(lines) == [
        f"not checked  {name} is imported: the watch does not observe {UNOBSERVED[name]}" for name in names[1:]
    ]


@pytest.mark.parametrize("replacement", ["unittest.mock.MagicMock()", "types.ModuleType('other')"])
def test_an_object_in_place_of_a_library_is_left_as_it_is(
    watch: Run, pytester: pytest.Pytester, replacement: str
) -> None:
    """A `conftest.py` replaces modules of libraries that are not installed: exchanges of httpx are checked."""
    names = ("requests", "aiohttp", "urllib3", "werkzeug.test", "vcr.cassette")
    pytester.makeconftest(
        f"import sys, types, unittest.mock\nsys.modules.update(dict.fromkeys({names}, {replacement}))\n"
    )
    result = watch(BOTH)
    result.assert_outcomes(passed=2, errors=1)


def test_a_body_that_the_test_does_not_read_is_not_checked(watch: Run) -> None:
    """The status of the response is checked: 299 makes the test an error."""
    result = watch(
        "def test_it(port):\n"
        "    with httpx.stream('GET', f'http://127.0.0.1:{port}/orders') as response:\n"
        "        assert not response.is_stream_consumed\n" + SERVED.partition("def test_it")[0]
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["not checked  a response to GET /orders: the test did not read it"])


def test_exchanges_of_a_shared_fixture_belong_to_the_test_that_set_it_up(watch: Run) -> None:
    """The first of two tests has the error."""
    result = watch(
        "@pytest.fixture(scope='module')\ndef shared():\n    return broken()\n\n"
        "def test_first(shared):\n    pass\n\ndef test_second(shared):\n    pass\n"
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["ERROR test_*.py::test_first - *"])


def test_exchanges_during_the_collection_are_checked_too(watch: Run) -> None:
    """A module that breaks the contract on import: the test has an error."""
    result = watch("broken()\n\ndef test_it():\n    list_orders()\n")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["  tests     the collection of tests"])


def test_faults_of_the_mock_are_no_findings(pytester: pytest.Pytester) -> None:
    """Two tests with faults have none; a test whose request lacks the credential has an error."""
    pytester.makepyfile(
        "def get(client, space):\n    return client.get(f'/v1/spaces/{space}/runtimes')\n\n"
        "def test_fault(bctrl_mock, bctrl_client, bctrl_space_id):\n"
        "    bctrl_mock.fault('status', 500)\n    assert get(bctrl_client, bctrl_space_id).status_code == 500\n\n"
        "def test_server(bctrl_mock_space):\n    import httpx\n"
        "    bctrl_mock_space.fault('status', 299)\n"
        "    url = f'{bctrl_mock_space.url}/v1/spaces/{bctrl_mock_space.space_id}/runtimes'\n"
        "    httpx.get(url, headers={'Authorization': f'Bearer {bctrl_mock_space.api_key}'})\n\n"
        "def test_request(bctrl_mock):\n    import httpx\n"
        "    httpx.get(f'{bctrl_mock.url}/v1/spaces/{bctrl_mock.space_id}/runtimes')\n"
    )
    result = pytester.runpytest("--bctrl-watch", "-p", "no:randomly")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["error request_credentials: *", "ERROR *::test_request - *"])


def test_nothing_is_imported_without_the_flag(pytester: pytest.Pytester) -> None:
    """No module of the watch is loaded in a plain run."""
    pytester.makepyfile(
        "import sys\n\ndef test_it():\n    assert [name for name in sys.modules if 'bctrl.watch' in name] == []\n"
    )
    pytester.run(sys.executable, "-m", "pytest", "-p", "no:schemathesis").assert_outcomes(passed=1)


def test_no_client_library_is_imported(pytester: pytest.Pytester) -> None:
    """With `--bctrl-watch`, those that the tests do not use are not loaded."""
    names = ("httpx", "httpx2", "requests", "urllib3", "aiohttp", "werkzeug", "django", "starlette")
    pytester.makepyfile(
        f"import sys\n\ndef test_it():\n    assert [name for name in {names} if name in sys.modules] == []\n"
    )
    # Plugins that import a client library themselves.
    plugins = ("schemathesis", "respx", "pytest_httpx", "requests_mock")
    blocked = [f"-pno:{name}" for name in plugins]
    result = pytester.run(sys.executable, "-m", "pytest", "--bctrl-watch", *blocked)
    result.assert_outcomes(passed=1)


def test_all_libraries_are_as_before_after_the_run(watch: Run) -> None:
    """The attributes of patched classes are the original ones."""
    import http.client
    import threading

    import httpx

    before = [dict(vars(owner)) for owner in (httpx.Client, http.client.HTTPConnection, threading.Thread)]
    watch(BOTH)
    assert before == [dict(vars(owner)) for owner in (httpx.Client, http.client.HTTPConnection, threading.Thread)]


def test_a_response_that_is_invalid_in_the_document_is_not_checked(watch: Run, pytester: pytest.Pytester) -> None:
    """The summary says so, and does not list the request as one to no operation."""
    document = json.loads((pytester.path / "orders.json").read_text("utf-8"))
    document["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {
        "$ref": "#/components/schemas/Missing"
    }
    (pytester.path / "orders.json").write_text(json.dumps(document), "utf-8")
    text = watch("def test_it():\n    broken()\n").stdout.str()
    assert "not checked  a response to GET /orders: the response 200 is invalid in the document: " in text
    assert "your code sends GET /orders" not in text


def test_exchanges_of_the_collection_are_not_those_of_a_test_of_invalid_responses(watch: Run) -> None:
    """A break during the collection fails the run, although the only test is marked as not conforming."""
    result = watch("broken()\n\n@pytest.mark.bctrl_watch(conforming=False)\ndef test_it():\n    broken()\n")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["  tests     the collection of tests", "failed       1 error fails the run*"])
