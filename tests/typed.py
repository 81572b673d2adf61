"""Runs a command of `pytest-bctrl` in this process, for tests that need no separate one."""

from __future__ import annotations

import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pytest_bctrl.cli import main


def typed(folder: Path, *arguments: str, stdin: bytes = b"") -> CompletedProcess[str]:
    """Run a command in a folder with standard input, and return its exit code and output like those of a process."""
    code: object = None
    out, err, input_stream = (TextIOWrapper(BytesIO(data), "utf-8", newline="") for data in (b"", b"", stdin))
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", input_stream)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code or 0
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return CompletedProcess(arguments, int(str(code)), *texts)
