"""Suites in other languages find through the proxy what a response can show."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.proxy.proxy_command import ProxyCommand
from tests.variants import serve
from tests.variants.catalogue import named

NODE = """
import { test } from 'node:test';
import assert from 'node:assert';

const { API_URL, SPACE, KEY } = process.env;
for (const number of [1, 2, 3]) {
  test(`request ${number}`, async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    const response = await fetch(`${API_URL}/v1/spaces/${SPACE}/runtimes`, { headers });
    await response.text();
    assert.ok(response.status);
  });
}
"""
CURL = """
for number in 1 2 3; do
  curl -sS --compressed -o /dev/null -H "Authorization: Bearer $KEY" "$API_URL/v1/spaces/$SPACE/runtimes"
done
"""
SUITES = {"node": ["node", "--test", "suite.mjs"], "curl": ["sh", "suite.sh"]}
VARIANTS = {"plain": 0, "gzip": 0, "last-of-300-status-unknown": 1, "nan-in-metadata": 1}


@pytest.mark.parametrize("client", SUITES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_exit_code_is_that_of_the_server_variant(
    tmp_path: Path, python: list[str], client: str, variant: str
) -> None:
    """Node or curl sends three requests through the proxy, which exits with 1 if the server has a fault, else 0."""
    if shutil.which(client) is None:
        pytest.skip(f"{client} is not installed")
    (tmp_path / "suite.mjs").write_text(NODE, "utf-8")
    (tmp_path / "suite.sh").write_text(CURL, "utf-8")
    with serve(named(variant)) as server, ProxyCommand(python, tmp_path).running(server.url) as proxy:
        environment = {**os.environ, "API_URL": proxy.url, "SPACE": server.space_id, "KEY": server.api_key}
        subprocess.run(SUITES[client], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=120)
        code, out, _ = proxy.end()
    assert VARIANTS[variant] == code, out
    assert "\n3 exchanges: 3 checked; " in out
