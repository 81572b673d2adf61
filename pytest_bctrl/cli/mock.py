"""`pytest-bctrl mock`: the mock server for any client in any language."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlsplit

from pytest_bctrl.cli.options import add_plugin_argument, add_repeatable, gathered
from pytest_bctrl.cli.project import add_contract_argument, load_contract
from pytest_bctrl.contract.key_fields import key_fields
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.samples.inputs import Inputs, inputs, main_operation
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock.journal import JournalEntry
from pytest_bctrl.traffic.mock.scenarios import MOST, SCENARIOS, Scenario
from pytest_bctrl.traffic.mock.server import MOCK_KEY, MockServer
from pytest_bctrl.traffic.origin import is_loopback

_PORT = 8787
_KEY_VARIABLE = "BCTRL_MOCK_KEY"
_TURN = 0.5
"""Seconds from a signal to the end at most, where the signal does not end the wait."""
EXAMPLES = (
    "pytest-bctrl mock",
    "pytest-bctrl mock --port 0 --scenario 'many(count=500)' --fault 'status(503, times=2)'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, help="port; 0 takes a free one (default: that of the contract's local server)"
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--scenario", metavar="NAME", help="what to serve, such as empty or 'many(count=500)'; see below")
    data.add_argument("--recording", type=Path, metavar="FILE", help="replay a .har file, or serve a body in JSON")
    data.add_argument("--runtimes", type=int, metavar="N", help=f"serve N generated runtimes, up to {MOST:,}")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="seed of generated runtimes; alone, another list with each answer"
    )
    parser.add_argument(
        "--nonconforming", action="store_true", help="serve what --recording holds even where it breaks the contract"
    )
    add_repeatable(parser, "--fault", "FAULT", "misbehave, as in 'status(503, times=2)'; repeatable")
    parser.add_argument(
        "--api-key-env",
        metavar="NAME",
        default=_KEY_VARIABLE,
        help="environment variable that holds the key (default: %(default)s, and a fixed key where that is not set)",
    )
    parser.add_argument("--space-id", metavar="ID", help="the space that exists (default: a fixed UUID)")
    add_contract_argument(parser)
    add_plugin_argument(parser, "scenarios and faults")
    parser.add_argument(
        "--control",
        action="store_true",
        help="let tests open spaces and steer them over HTTP, with the token in BCTRL_CONTROL_TOKEN or the ready-file",
    )
    text = "let pages of an origin ask (CORS), as those of this machine may; * for all; repeatable"
    add_repeatable(parser, "--origin", "ORIGIN", text)
    text = "serve a recording, and the control path, under this host name too; * for all; repeatable"
    add_repeatable(parser, "--allow-host", "HOST", text)
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="written as JSON once requests are answered")
    parser.add_argument("--quiet", action="store_true", help="no request log")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; returns 0. Raises `SettingError` for what is set wrong."""
    contract = load_contract(options.contract)
    token = _token(options) if options.control else None
    log = None if options.quiet else RequestLog(sys.stdout.fileno(), options.redact)
    server = MockServer(
        contract,
        api_key=_key(options),
        space_id=options.space_id,
        host=options.host,
        port=_port(contract) if options.port is None else options.port,
        log=log,
        # Without the control path nobody can ask this process for its journal.
        remembered=10_000 if options.control else 0,
        control=token,
        origins=options.origin,
        hosts=options.allow_host,
        # A recording is somebody's data.
        is_private=options.recording is not None,
    )
    if options.plugin:
        from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario

        hooks = {"pytest_bctrl_scenarios": CustomScenario, "pytest_bctrl_faults": CustomFault}
        server.extend(*gathered(options.plugin, hooks))
    _stage(server, options)
    if options.ready_file is not None:
        # One that a killed mock left behind would be believed.
        options.ready_file.unlink(missing_ok=True)
    ended = threading.Event()
    # Before the start, so that a signal that comes at once ends it cleanly too. A closed terminal says SIGHUP, to which
    # `nohup` has the command turn a deaf ear.
    hangup = getattr(signal, "SIGHUP", signal.SIGTERM)
    for number in {signal.SIGINT, signal.SIGTERM, hangup}:
        if number != hangup or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: ended.set())
    with server:
        _greet(server, options)
        try:
            _tell(options.ready_file, server, token)
            # In turns: on Windows a wait without an end is not ended by Ctrl-C either.
            while not ended.wait(_TURN):
                pass
        finally:
            if options.ready_file is not None:
                options.ready_file.unlink(missing_ok=True)
    if log is not None:
        log.close()
    return 0


def _stage(server: MockServer, options: argparse.Namespace) -> None:
    if options.recording is not None and options.recording.suffix in (".har", ".zip"):
        server.play(_recorded(options.recording, server.contract, conforming=not options.nonconforming))
    elif options.recording is not None:
        server.serve_file(options.recording, conforming=not options.nonconforming)
    elif options.runtimes is not None:
        server.scenario("many", count=options.runtimes, seed=options.seed or 0)
    elif options.scenario is not None:
        server.scenario(options.scenario, **({} if options.seed is None else {"seed": options.seed}))
    elif options.seed is not None:
        server.scenario("generated", seed=options.seed)
    for fault in options.fault:
        server.fault(fault)


def _recorded(path: Path, contract: Contract, *, conforming: bool) -> Scenario:
    # Recordings are exchanges of httpx, which is most of what the command would import: only who has one pays for it.
    from pytest_bctrl.recorded.conform import Checked, require_conforming
    from pytest_bctrl.traffic.recordings.har_file import load as load_recording
    from pytest_bctrl.traffic.recordings.replay import Player, scenario

    found = load_recording(path)
    if found is None:
        raise SettingError("there is no such file", where=f"--recording {path}", hint="name a .har file")
    hint = "pytest --bctrl-record-mode=rewrite"
    if conforming:
        checked = Checked(contract, Path.cwd(), os.environ)
        again = f"{hint}, or serve it all the same with --nonconforming"
        require_conforming(found.exchanges, contract, checked, str(path), again)
    return scenario(Player(found.exchanges, name=str(path), hint=hint))


def _token(options: argparse.Namespace) -> Secret:
    token = os.environ.get("BCTRL_CONTROL_TOKEN") or secrets.token_urlsafe(24)
    options.redact.add(token, name="the control token")
    return Secret(token)


def _key(options: argparse.Namespace) -> Secret | None:
    name = options.api_key_env
    key = os.environ.get(name)
    if key:
        options.redact.add(key, name="the key of --api-key-env")
        return Secret(key)
    if name == _KEY_VARIABLE:
        return None
    raise SettingError("the variable is not set", where=f"--api-key-env {name}", hint=f"export {name}=…")


def _port(contract: Contract) -> int:
    """The port of the contract's first server on this machine."""
    servers = map(urlsplit, contract.servers)
    return next((one.port for one in servers if one.port is not None and is_loopback(one.hostname or "")), _PORT)


def _greet(server: MockServer, options: argparse.Namespace) -> None:
    contract = server.contract
    print(
        escape_line(f"mock of {contract.title} {contract.version} (contract {contract.short_digest}) on {server.url}")
    )
    if not is_loopback(options.host):
        print(escape_line(f"warning: {options.host} can be reached from other machines"), file=sys.stderr)
    key = f"${options.api_key_env}" if os.environ.get(options.api_key_env) else MOCK_KEY
    operation = main_operation(contract)
    asked = inputs(contract, operation, {"space_id": server.space_id}) or Inputs()
    fields = key_fields(contract, operation) or ()
    headers = "".join(f' -H "{field.name}: {field.shell(key)}"' for field in fields)
    headers += "".join(f" -H {shlex.quote(f'{name}: {value}')}" for name, value in asked.headers)
    url = f"{_reachable(server.url)}{asked.target(operation)}"
    print(escape_line(f"try: curl{headers} {shlex.quote(url)}"))
    print(escape_line(f"contract {contract.described}"), flush=True)


def _reachable(url: str) -> str:
    """The URL as this machine reaches it: what listens on every address is no address to ask."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _tell(file: Path | None, server: MockServer, token: Secret | None) -> None:
    if file is not None:
        from pytest_bctrl.contract.build import write_files

        url = _reachable(server.url)
        ready = {"url": url, "space_id": server.space_id, "pid": os.getpid(), "api_key": server.api_key.reveal()}
        if token is not None:
            from pytest_bctrl.traffic.mock.control import PREFIX

            ready["control"] = {"url": f"{url}{PREFIX}", "token": token.reveal()}
        # Whole or not at all, so that nobody reads half of it; and by nobody else.
        write_files({file: json.dumps(ready) + "\n"}, rights=0o600)


def epilog() -> str:
    """Return what the help tells of scenarios and faults."""
    from pytest_bctrl.traffic.mock.faults import FAULTS

    tables = {"scenarios": SCENARIOS, "faults (each takes times=, every= and after=)": FAULTS}
    rows = []
    for title, makers in tables.items():
        rows += [f"{title}:", *(f"  {name:<20}{_about(maker)}" for name, maker in makers.items()), ""]
    return "\n".join([*rows, "On a request, Prefer: code=404 asks for that status."])


def _about(maker: Callable[..., object]) -> str:
    return (maker.__doc__ or "").partition("\n")[0]


_WAITING = 10_000
_PATIENCE = 1.0


class RequestLog:
    """Writes one line for each exchange to a file descriptor; `redact` removes secrets from them.

    It does so on a thread of its own, so that a reader that stands still holds up nobody.

    Lines that wait beyond 10,000 are dropped and counted. Where the reader has gone, the log ends and nothing else
    does.
    """

    def __init__(self, descriptor: int, redact: Callable[[str], str]) -> None:
        self._descriptor = descriptor
        self._redact = redact
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._dropped = 0
        # Unbuffered and a daemon: blocked within the write, it must not hold up the end of the process either.
        self._thread = threading.Thread(target=self._run, name="bctrl-mock-log", daemon=True)
        self._thread.start()

    def __call__(self, entry: JournalEntry) -> None:
        """Take one exchange; returns at once."""
        if self._lines.qsize() >= _WAITING:
            self._dropped += 1
        else:
            self._lines.put(_line(entry))

    def close(self) -> None:
        """Write what waits, for a second at most."""
        if self._dropped:
            self._lines.put(f"({self._dropped:,} more requests, which the reader was too slow for)\n")
        self._lines.put(None)
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = self._redact(line).encode("utf-8", "backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                return


def _line(entry: JournalEntry) -> str:
    size = len(entry.response.body)
    at = time.strftime("%H:%M:%S", time.localtime(entry.time))
    return escape_line(f"{at} {entry}, {size:,} bytes" if size else f"{at} {entry}") + "\n"
