"""Starts servers and proxies on free ports, each with the configuration that its package or its manual begins with."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.stacks.api import KEY, SPACE, runtimes

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
Command = Callable[[int, int, Path], list[str]]


def _python(*command: str) -> Command:
    """Return the command that runs a module of Python, with `{port}` replaced in its arguments."""
    return lambda port, _target_port, _folder: [sys.executable, "-m", *(part.format(port=port) for part in command)]


SERVERS: dict[str, tuple[tuple[str, ...], Command]] = {
    "fastapi-uvicorn": (
        ("fastapi", "uvicorn"),
        _python("uvicorn", "tests.stacks.apps:app", "--port={port}", "--log-level=warning"),
    ),
    "starlette-hypercorn": (
        ("starlette", "hypercorn"),
        _python("hypercorn", "tests.stacks.apps:app", "--bind=127.0.0.1:{port}"),
    ),
    "fastapi-granian": (
        ("fastapi", "granian"),
        _python("granian", "--interface=asgi", "tests.stacks.apps:app", "--port={port}", "--no-log"),
    ),
    "flask-gunicorn": (("flask", "gunicorn"), _python("gunicorn", "tests.stacks.apps:app", "--bind=127.0.0.1:{port}")),
    "django-waitress": (
        ("django", "waitress"),
        _python("waitress", "--listen=127.0.0.1:{port}", "tests.stacks.apps:app"),
    ),
    "flask-waitress": (
        ("flask", "waitress"),
        _python("waitress", "--listen=127.0.0.1:{port}", "tests.stacks.apps:app"),
    ),
    "wsgi-gunicorn": (("gunicorn",), _python("gunicorn", "tests.stacks.apps:app", "--bind=127.0.0.1:{port}")),
    "aiohttp": (("aiohttp",), _python("tests.stacks.apps", "{port}")),
    "express": (("node", "express"), lambda port, _target_port, _folder: ["node", str(HERE / "express.js"), str(port)]),
}
"""By name: the modules and programs that it needs, and the command that serves the application on a port."""


def _configured(text: str, *command: str) -> Command:
    """Return a command that first writes `text`, with its placeholders replaced, as the file `conf` in its folder."""

    def write(port: int, target_port: int, folder: Path) -> list[str]:
        """Write the configuration, and return the command line."""
        values = {"PORT": str(port), "BEHIND": str(target_port), "FOLDER": str(folder)}
        configured = text
        for name, value in values.items():
            configured = configured.replace(name, value)
        (folder / "conf").write_text(configured)
        # Debian keeps servers where a plain user's PATH does not look.
        return [str(_program(command[0])), *(part.replace("FOLDER", str(folder)) for part in command[1:])]

    return write


def _program(name: str) -> str | None:
    """Return the path of a program, in the folders for administrators too; None if it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


_NGINX = """daemon off; pid FOLDER/pid; error_log stderr; events {}
http { access_log off; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c;
  uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
  proxy_cache_path FOLDER/cache keys_zone=all:1m;
  server { listen 127.0.0.1:PORT; location / { proxy_pass http://127.0.0.1:BEHIND; CACHE } } }
"""
_APACHE = """Listen 127.0.0.1:PORT
ServerName localhost
PidFile FOLDER/pid
ErrorLog /dev/null
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ProxyPass / http://127.0.0.1:BEHIND/
"""
_LIGHTTPD = """server.document-root = "FOLDER"
server.port = PORT
server.bind = "127.0.0.1"
server.modules = ( "mod_proxy" )
proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => BEHIND ) ) )
"""
_HAPROXY = """defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend front
  bind 127.0.0.1:PORT
  default_backend back
backend back
  server app 127.0.0.1:BEHIND
"""
_CADDY = """{
  admin off
  auto_https off
}
http://127.0.0.1:PORT {
  reverse_proxy 127.0.0.1:BEHIND
}
"""
_VARNISH = """vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "BEHIND"; }
"""
_LEAK = """vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "BEHIND"; }
sub vcl_recv { return (hash); }
"""

_NGINX_COMMAND = ("nginx", "-c", "FOLDER/conf", "-p", "FOLDER", "-e", "stderr")


def _varnish(text: str) -> Command:
    """Return the command that runs Varnish with a configuration."""

    def command(port: int, target_port: int, folder: Path) -> list[str]:
        """Write the configuration, and return the command line with the address."""
        command_line = _configured(text, "varnishd", "-F", "-f", "FOLDER/conf", "-n", "FOLDER/work")
        return [*command_line(port, target_port, folder), "-a", f"127.0.0.1:{port}"]

    return command


PROXIES: dict[str, tuple[str, Command]] = {
    "nginx": ("nginx", _configured(_NGINX.replace("CACHE", ""), *_NGINX_COMMAND)),
    "apache": ("apache2", _configured(_APACHE, "apache2", "-f", "FOLDER/conf", "-D", "FOREGROUND")),
    "lighttpd": ("lighttpd", _configured(_LIGHTTPD, "lighttpd", "-D", "-f", "FOLDER/conf")),
    "haproxy": ("haproxy", _configured(_HAPROXY, "haproxy", "-db", "-f", "FOLDER/conf")),
    "caddy": ("caddy", _configured(_CADDY, "caddy", "run", "--config", "FOLDER/conf", "--adapter", "caddyfile")),
    "varnish": ("varnishd", _varnish(_VARNISH)),
    "nginx-that-caches": ("nginx", _configured(_NGINX.replace("CACHE", "proxy_cache all;"), *_NGINX_COMMAND)),
    "varnish-that-caches": ("varnishd", _varnish(_LEAK)),
}
"""By name: the program, and the command that has it pass requests on from one port to another."""


def require(*requirements: str) -> None:
    """Skip the test with a reason if a program is not installed."""
    for requirement in requirements:
        code = ["node", "-e", "require('express')"]
        if requirement == "express" and subprocess.run(code, capture_output=True, check=False).returncode == 0:
            continue
        if find_spec(requirement) is None and _program(requirement) is None:
            pytest.skip(f"{requirement} is not installed")


@contextmanager
def running(server: str, proxy: str = "", fault: str = "") -> Iterator[str]:
    """Serve the application, behind a proxy if one is named; yield the base URL for clients."""
    requirements, command = SERVERS[server]
    require(*requirements, *([PROXIES[proxy][0]] if proxy else []))
    variables = {"APP": server.partition("-")[0], "FAULT": fault, "KEY": KEY, "SPACE": SPACE}
    environment = {**os.environ, **variables, "LISTED": json.dumps({"runtimes": runtimes()})}
    with ExitStack() as stack:
        # Not pytest's own folder, which a server that drops its privileges could not enter.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stacks-")))
        folder.chmod(0o755)
        port = stack.enter_context(_started(command, 0, folder / "server", environment))
        if proxy:
            port = stack.enter_context(_started(PROXIES[proxy][1], port, folder / "proxy", environment))
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _started(command: Command, target_port: int, folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """Run a command in a new folder and yield its port, once the port accepts connections; end it afterwards."""
    folder.mkdir()
    folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command(port, target_port, folder), cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(port, process, folder / "log")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a port accepts connections; fail the test if the process ends or that takes over 30 seconds."""
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"it does not start: {log.read_text()[-2000:]}")
