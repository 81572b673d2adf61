"""`pytest-bctrl mock`: the mock server for any client in any language."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pytest_bctrl.cli.options import add_plugin_argument, add_repeatable, load_custom_parts
from pytest_bctrl.cli.project import add_contract_argument, load_contract
from pytest_bctrl.cli.serving import LineLog, byte_count, serve_until_signal, warn_of_other_machines
from pytest_bctrl.contract.key_fields import key_fields
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.scheme_values import curl_url
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.request_checks.credentials import requires_certificate
from pytest_bctrl.samples.inputs import exemplified, inputs, main_operation
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.listening import reachable_url
from pytest_bctrl.traffic.mock.journal import JournalEntry
from pytest_bctrl.traffic.mock.parse import ServerLimits
from pytest_bctrl.traffic.mock.scenarios import MOST, SCENARIOS, Scenario
from pytest_bctrl.traffic.mock.server import MOCK_KEY, MockServer
from pytest_bctrl.traffic.origin import is_loopback

_PORT = 8787
_KEY_VARIABLE = "BCTRL_MOCK_KEY"
_SHOWN_EXAMPLES = 5
"""Maximum number of invalid examples that are listed at the start."""
EXAMPLES = (
    "pytest-bctrl mock",
    "pytest-bctrl mock --port 0 --scenario 'many(count=500)' --fault 'status(503, times=2)'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, help="port; 0 takes a free one (default: that of the contract's local server)"
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--scenario", metavar="NAME", help="what to serve, such as empty or 'many(count=500)'; see below")
    data.add_argument("--recording", type=Path, metavar="FILE", help="replay a .har file, or serve a body in JSON")
    data.add_argument("--runtimes", type=int, metavar="N", help=f"serve N generated runtimes, up to {MOST:,}")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="seed of generated runtimes; without other options, each response has another list",
    )
    parser.add_argument(
        "--nonconforming", action="store_true", help="serve the --recording even if it breaks the contract"
    )
    add_repeatable(parser, "--fault", "FAULT", "fault, such as 'status(503, times=2)'; repeatable; see below")
    parser.add_argument(
        "--api-key-env",
        metavar="NAME",
        default=_KEY_VARIABLE,
        help="environment variable with the key (default: %(default)s; without it, a fixed key)",
    )
    parser.add_argument("--space-id", metavar="ID", help="the space that exists (default: a fixed UUID)")
    add_contract_argument(parser)
    add_plugin_argument(parser, "scenarios and faults")
    parser.add_argument(
        "--control",
        action="store_true",
        help="let tests create and control spaces over HTTP, with the token in BCTRL_CONTROL_TOKEN or the ready-file",
    )
    text = "allow web pages of this origin (CORS); pages on localhost are always allowed; * for all; repeatable"
    add_repeatable(parser, "--origin", "ORIGIN", text)
    text = "serve a recording and the control path under this host name too; * for all; repeatable"
    add_repeatable(parser, "--allow-host", "HOST", text)
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="JSON file that exists while the server accepts requests"
    )
    parser.add_argument(
        "--max-body",
        type=byte_count,
        metavar="SIZE",
        default=ServerLimits().body_bytes,
        help="largest body of a request, such as 100MB; a longer one gets 413 (default: 32MB)",
    )
    parser.add_argument("--quiet", action="store_true", help="print no request log")


def run(options: argparse.Namespace) -> int:
    """Serve the mock until Ctrl-C or SIGTERM, and return 0. Raises `SettingError` for a wrong setting."""
    contract = load_contract(options.contract)
    token = _control_token(options) if options.control else None
    log = None if options.quiet else LineLog(sys.stdout.fileno(), options.redact)
    server = MockServer(
        contract,
        api_key=_mock_key(options),
        space_id=options.space_id,
        host=options.host,
        port=_default_port(contract) if options.port is None else options.port,
        log=None if log is None else lambda entry: log(log_line(entry)),
        # Without the control path, no client can read the journal.
        remembered=10_000 if options.control else 0,
        control=token,
        origins=options.origin,
        hosts=options.allow_host,
        limits=ServerLimits(body_bytes=options.max_body),
        # A recording may hold personal data.
        is_private=options.recording is not None,
    )
    if options.plugin:
        from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario

        hooks = {"pytest_bctrl_scenarios": CustomScenario, "pytest_bctrl_faults": CustomFault}
        server.extend(*load_custom_parts(options.plugin, hooks))
    _apply_options(server, options)
    serve_until_signal(server, options.ready_file, partial(_announce, server, options, token))
    if log is not None:
        log.close()
    return 0


def _apply_options(server: MockServer, options: argparse.Namespace) -> None:
    """Play the recording or scenario that the options name, with their seed, and add their faults."""
    if options.recording is not None and options.recording.suffix == ".har":
        server.play(_recording_scenario(options.recording, server.contract, conforming=not options.nonconforming))
    elif options.recording is not None:
        server.serve_file(options.recording, conforming=not options.nonconforming)
    elif options.runtimes is not None:
        server.scenario("many", count=options.runtimes, seed=options.seed or 0)
    elif options.scenario is not None and options.seed is not None:
        server.scenario(options.scenario, seed=options.seed)
    elif options.scenario is not None:
        server.scenario(options.scenario)
    elif options.seed is not None:
        server.scenario("generated", seed=options.seed)
    for fault in options.fault:
        server.fault(fault)


def _recording_scenario(path: Path, contract: Contract, *, conforming: bool) -> Scenario:
    """Return a scenario that replays a recording. Raises `BctrlError` for a breach of the contract if `conforming`."""
    # Recordings need httpx, which takes most of the import time: import it only to replay one.
    from pytest_bctrl.recorded.conform import require_conforming
    from pytest_bctrl.traffic.recordings.har_file import load as load_recording
    from pytest_bctrl.traffic.recordings.replay import Player, scenario

    recording = load_recording(path)
    if recording is None:
        raise SettingError("the file does not exist", where=f"--recording {path}", hint="name a .har file")
    hint = "pytest --bctrl-record-mode=rewrite"
    if conforming:
        conforming_hint = f"{hint}, or serve it with --nonconforming"
        require_conforming(recording.exchanges, contract, str(path), conforming_hint)
    return scenario(Player(recording.exchanges, name=str(path), hint=hint))


def _control_token(options: argparse.Namespace) -> Secret:
    """Return the token of the control path, of the environment or random, and redact it in all output."""
    token = os.environ.get("BCTRL_CONTROL_TOKEN") or secrets.token_urlsafe(24)
    options.redact.add(token, name="the control token")
    return Secret(token)


def _mock_key(options: argparse.Namespace) -> str | None:
    """Return the key in the variable of `--api-key-env`; None, for the fixed key, if the default variable is not set.

    Redacts the key in all output. Raises `SettingError` if another variable is not set.
    """
    name = options.api_key_env
    key = os.environ.get(name)
    if key:
        options.redact.add(key, name="the key of --api-key-env")
        return key
    if name == _KEY_VARIABLE:
        return None
    raise SettingError("the variable is not set", where=f"--api-key-env {name}", hint=f"export {name}=…")


def _default_port(contract: Contract) -> int:
    """Return the port of the contract's first local server, else the default port."""
    for server in map(urlsplit, contract.servers):
        if server.port is not None and is_loopback(server.hostname or ""):
            return server.port
    return _PORT


def _announce(server: MockServer, options: argparse.Namespace, token: Secret | None) -> dict[str, object]:
    """Print what the mock serves and how to send a request to it, and return the data of the ready file."""
    _print_start(server, options)
    return _ready_data(server, token)


def _print_start(server: MockServer, options: argparse.Namespace) -> None:
    """Print the mock's contract and URL, what it does not serve or check, and a curl command to try."""
    contract = server.contract
    print(
        escape_line(f"mock of {contract.title} {contract.version} (contract {contract.short_digest}) on {server.url}")
    )
    warn_of_other_machines(options.host)
    key = MOCK_KEY
    if os.environ.get(options.api_key_env):
        key = f"${options.api_key_env}"
    values = {"space_id": server.space_id}
    contract_with_ids = exemplified(contract, values)
    operation = main_operation(contract_with_ids)
    request = inputs(contract_with_ids, operation, values)
    for label, reason in server.not_mocked.items():
        print(escape_line(f"not mocked, gets 501: {label}: {reason}"))
    invalid_examples = server.invalid_examples
    for problem in invalid_examples[:_SHOWN_EXAMPLES]:
        print(escape_line(f"generated data instead of an example: {problem}"))
    if len(invalid_examples) > _SHOWN_EXAMPLES:
        print(f"generated data instead of {len(invalid_examples) - _SHOWN_EXAMPLES} more examples that do not conform")
    certified = ", ".join(required.label for required in contract.operations if requires_certificate(required))
    if certified:
        print(escape_line(f"not checked: client certificates, which a plain connection does not have ({certified})"))
    credentials = [(field, field.shell(key)) for field in key_fields(operation) or ()]
    headers = "".join(f' -H "{field.name}: {text}"' for field, text in credentials if not field.in_query)
    if request is not None:
        headers += "".join(f" -H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers)
        url = f"{reachable_url(server.url)}{request.target(operation)}"
        method = "" if operation.method == "GET" else f" -X {operation.method}"
        print(escape_line(f"try: curl{method}{headers} {curl_url(url, credentials)}"))
    for text in contract.exclusions_as("served"):
        print(escape_line(f"warning: {text}"), file=sys.stderr)
    print(escape_line(f"contract {contract.described}"), flush=True)


def _ready_data(server: MockServer, token: Secret | None) -> dict[str, object]:
    """Return the data of the ready file: URL, space, process id, key, and the control path with its token."""
    url = reachable_url(server.url)
    data = {"url": url, "space_id": server.space_id, "pid": os.getpid(), "api_key": server.api_key}
    if token is not None:
        from pytest_bctrl.traffic.hosts import PREFIX

        data["control"] = {"url": f"{url}{PREFIX}", "token": token.reveal()}
    return data


def epilog() -> str:
    """Return the part of the help that lists scenarios and faults."""
    from pytest_bctrl.traffic.mock.faults import FAULTS

    tables = {"scenarios": SCENARIOS, "faults (each takes times=, every= and after=)": FAULTS}
    rows = []
    for title, makers in tables.items():
        rows += [f"{title}:", *(f"  {name:<20}{_first_line_of_docstring(maker)}" for name, maker in makers.items()), ""]
    return "\n".join([*rows, "A request with Prefer: code=404 gets that status."])


def _first_line_of_docstring(maker: Callable[..., object]) -> str:
    """Return the first line of the docstring of a scenario or a fault."""
    return (maker.__doc__ or "").partition("\n")[0]


def log_line(entry: JournalEntry) -> str:
    """Return the line of the request log for an exchange, with time, response and size."""
    text = f"{time.strftime('%H:%M:%S', time.localtime(entry.time))} {entry}"
    size = len(entry.response.body)
    if size:
        text += f", {size:,} bytes"
    return escape_line(text) + "\n"
