"""Writes the files of this folder: `python tests/recordings/har_files/make.py NODE_MODULES`.

It needs Node, `playwright-core` in the folder NODE_MODULES, and Chromium as /usr/bin/chromium.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer

HERE = Path(__file__).parent

BROWSE = """
import { createRequire } from 'node:module';
const [modules, folder, url, path, key] = process.argv.slice(2);
const { chromium } = createRequire(modules + '/')('playwright-core');
const kinds = [['embed', 'embed.har'], ['attach', 'attach/attach.har'], ['omit', 'omit.har']];
for (const [content, name] of kinds) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const context = await browser.newContext({ recordHar: { path: `${folder}/${name}`, content } });
  const page = await context.newPage();
  await page.goto(`${url}/`).catch(() => {});
  for (const headers of [{ Authorization: `Bearer ${key}` }, {}])
    await page.evaluate(async ([path, headers]) => (await fetch(path, { headers })).text(), [path, headers]);
  await context.close();
  await browser.close();
}
"""


def main(modules: str) -> None:
    """Run the programs against the mock, and save their HAR files here without the key."""
    with tempfile.TemporaryDirectory() as name, MockServer(load(), port=8787) as mock:
        folder = Path(name)
        mock.scenario("many", count=2, seed=7)
        key = mock.api_key
        (folder / "browse.mjs").write_text(BROWSE)
        path = f"/v1/spaces/{mock.space_id}/runtimes"
        browse: list[str | Path] = [
            folder / "browse.mjs",
            Path(modules).resolve(),
            folder,
            "http://localhost:8787",
            path,
            key,
        ]
        subprocess.run(["node", *browse], check=True)
        fuzz = [
            "run",
            str(packaged().merged),
            "--url",
            mock.url,
            "-H",
            f"Authorization: Bearer {key}",
            "--seed=1",
            "-n3",
        ]
        report = ["--phases=fuzzing", "--report=har", "--report-har-path", str(folder / "schemathesis.har")]
        subprocess.run([Path(sys.executable).with_name("schemathesis"), *fuzz, *report], check=True, cwd=folder)
        for har in ("embed.har", "omit.har", "schemathesis.har"):
            (HERE / har).write_text(without_key((folder / har).read_text()))
        (HERE / "attach").mkdir(exist_ok=True)
        for old in (HERE / "attach").iterdir():
            old.unlink()
        for file in (folder / "attach").iterdir():
            text = file.read_text()
            (HERE / "attach" / file.name).write_text(without_key(text) if file.suffix == ".har" else text)


def without_key(text: str) -> str:
    """Return a HAR without the `Authorization` headers of its requests, indented."""
    document: dict[str, Any] = json.loads(text)
    for entry in document["log"]["entries"]:
        headers = entry["request"]["headers"]
        entry["request"]["headers"] = [header for header in headers if header["name"].lower() != "authorization"]
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    main(sys.argv[1])
