"""The image of the mock: it is not built, but the files that it copies exist, and its commands are run."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sysconfig
import time
import tomllib
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Containerfile").read_text("utf-8")
PAGE = (ROOT / "docs" / "how-to" / "container.md").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])["services"]
SECRETS = {"BCTRL_MOCK_KEY": "key-of-the-container", "BCTRL_CONTROL_TOKEN": "token-of-the-container"}

Stage = list[tuple[str, str]]


def stages() -> Iterator[Stage]:
    """Yield the instructions of each stage, by name and arguments."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    stage: Stage = []
    for line in filter(None, lines):
        name, _, arguments = line.partition(" ")
        if name == "FROM" and stage:
            yield stage
            stage = []
        stage.append((name, arguments.strip()))
    yield stage


BUILD, IMAGE = stages()
FINAL = dict(IMAGE)


@pytest.fixture
def port() -> str:
    """Return a port that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def words(instruction: str, port: str) -> list[str]:
    """Return the command of ENTRYPOINT or HEALTHCHECK, with this port instead of the image's."""
    data: list[str] = json.loads(instruction[instruction.index("[") :])
    return [word.replace("8787", port) for word in data]


def test_the_image_copies_exactly_the_sources_of_the_wheel() -> None:
    copied = {source for name, arguments in BUILD if name == "COPY" for source in shlex.split(arguments)[:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    about = {project["project"]["readme"], *project["project"]["license-files"]}
    assert {"pyproject.toml", *about, *wheel["packages"], *wheel["force-include"]} == copied
    assert {True} == {(ROOT / source).exists() for source in copied}


def test_the_image_runs_the_built_wheel_without_root() -> None:
    source, built, target = FINAL["COPY"].split()
    assert (built, ("FROM", f"{FINAL['FROM']} AS {source.removeprefix('--from=')}")) == (target, BUILD[0])
    assert f"pip --python {built}/bin/python install" in dict(BUILD)["RUN"]
    assert f"PATH={built}/bin:$PATH" == FINAL["ENV"]
    assert min(map(int, FINAL["USER"].split(":"))) > 0
    assert int(FINAL["EXPOSE"]) > 1023


def test_the_commands_of_the_image_work_as_in_the_documented_compose_file(port: str) -> None:
    """The server gets healthy, serves with key and token of the environment, ends on SIGTERM, and prints neither."""
    service, tests = COMPOSE["mock"], COMPOSE["tests"]
    assert {*SECRETS} == {*service["environment"]}
    assert {"mock": {"condition": "service_healthy"}} == tests["depends_on"]
    assert f"http://mock:{FINAL['EXPOSE']}" == tests["environment"]["MOCK_URL"]
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **SECRETS, "PATH": path}
    command = [*words(FINAL["ENTRYPOINT"], port), *service["command"]]

    def is_healthy() -> bool:
        """Return whether the command of HEALTHCHECK passes."""
        probe = words(FINAL["HEALTHCHECK"], port)
        return 0 == subprocess.run(probe, env=environment, capture_output=True, timeout=60, check=False).returncode

    assert not is_healthy()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            if is_healthy():
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        opened = send(port, "POST", "/__bctrl__/spaces", SECRETS["BCTRL_CONTROL_TOKEN"])
        assert "http://mock:8787" == opened["url"]
        first, *_ = send(port, "GET", "/__bctrl__/spaces", SECRETS["BCTRL_CONTROL_TOKEN"])["spaces"]
        for space, key in ((opened["id"], opened["key"]), (first, SECRETS["BCTRL_MOCK_KEY"])):
            assert send(port, "GET", f"/v1/spaces/{space}/runtimes", key)["runtimes"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (0, "warning: other machines can reach 0.0.0.0\n") == (process.returncode, err)
    assert [] == [value for value in SECRETS.values() if value in " ".join([out, *command])]
    assert "-> 401" not in out


def send(port: str, method: str, target: str, key: str) -> Any:
    """Return the JSON response to a request that another container sends, which knows the service by its name."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=60)
    try:
        connection.request(method, target, headers={"Authorization": f"Bearer {key}", "Host": "mock:8787"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
