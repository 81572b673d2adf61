"""Documents and recordings with a text at each location, and a CI job in whose folder commands run on them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pytest_bctrl.cli import main
from pytest_bctrl.escaping import escape_line

JOB = {"GITHUB_ACTIONS": "true", "TF_BUILD": "True"}
INTENDED = {"error", "warning", "notice"}


def document(text: str, value: str, pattern: str = "^a(?=b)$") -> dict[str, Any]:
    """Return a contract with `text` as each name and description; `value` and `pattern` are those of its strings."""
    schema = {
        "type": "object",
        "title": text,
        "description": text,
        "required": [f"{text}2"],
        "properties": {
            text: {"type": "string", "enum": [value], "description": text},
            f"{text}2": {"type": "string", "format": text, "pattern": pattern},
        },
    }
    parameters = [
        {"name": text, "in": "query", "description": text, "schema": {"type": "string", "enum": [value, "b"]}},
        {"name": "X-Name", "in": "header", "required": value == text, "schema": {"type": "string", "default": text}},
    ]
    operation = {
        "operationId": text,
        "summary": text,
        "description": text,
        "tags": [text],
        "parameters": parameters,
        "responses": {"200": {"description": text, "content": {"application/json": {"schema": schema}}}},
        "x-bctrl-invariants": [{"rule": "unique", "level": "error", "because": text, "unique": "a[*]"}],
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": text, "version": text, "description": text},
        "servers": [{"url": "http://127.0.0.1:9", "description": text}],
        "paths": {
            "/things": {"get": operation},
            f"/{text.replace('{', '')}": {"get": {**operation, "operationId": f"{text}b"}},
        },
    }


def har(text: str) -> dict[str, Any]:
    """Return a recording of two responses that violate the packaged contract, with a text in each field."""
    url = "https://api.bctrl.ai/v1/spaces/3f0c1c1e-0f43-4a0e-9d0a-4f4f1f1c2b11/runtimes"
    body = json.dumps({"runtimes": [{text: text, "status": text}], "error": text})
    request = {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headers": [], "queryString": [], "cookies": []}
    entry = {
        "startedDateTime": "2026-03-14T09:26:53.000Z",
        "time": 1,
        "comment": text,
        "request": request,
        "response": {
            "status": 200,
            "statusText": text,
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Server", "value": text}],
            "cookies": [],
            "content": {"size": len(body), "mimeType": "application/json", "text": body},
            "redirectURL": "",
        },
        "cache": {},
        "timings": {"send": 0, "wait": 1, "receive": 0},
    }  # fmt: skip
    return {"log": {"version": "1.2", "creator": {"name": text, "version": text}, "entries": [entry, entry]}}


@contextlib.contextmanager
def job(text: str) -> Iterator[Path]:
    """Work in a folder with files that contain the text, with the variables of both CI systems; yield the folder."""
    here, before = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.update(JOB)
        # YAML knows no surrogates.
        plain = "".join(char for char in text if ord(char) < 0x10000)
        files = {
            "old.json": document(text, "listed"),
            "new.json": document(text, text),
            "body.json": {text: text, f"{text}3": [text]},
            "recording.har": har(text),
            "page.json": document(plain, plain),
            "overlay.yaml": {
                "overlay": "1.0.0",
                "info": {"title": plain, "version": plain},
                "actions": [{"target": "$", "update": {"info": {"title": f"{plain}x"}}}],
            },
        }
        for name, data in files.items():
            Path(name).write_text(json.dumps(data), "utf-8")
        Path("folder").mkdir()
        Path("folder", f"{escape_line(text).replace('/', '')[:100]}.har").write_text("{", "utf-8")
        try:
            yield Path(folder)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)


def command_output(arguments: list[str]) -> tuple[str, str]:
    """Run a command in this process, whatever its exit code, and return standard output and standard error."""
    with contextlib.ExitStack() as stack:
        # Files, because some commands use their file descriptor.
        out, err = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="")) for _ in "oe")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
            main(arguments)
        return _text(out), _text(err)


def _text(file: IO[str]) -> str:
    """Return the complete content of an open file."""
    file.seek(0)
    return file.read()
