"""A command of `pytest-bctrl`, as if it were typed: for what needs no process of its own to fail."""

from __future__ import annotations

import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pytest_bctrl.cli import main


def typed(folder: Path, *arguments: str, given: bytes = b"") -> CompletedProcess[str]:
    """Run a command of `pytest-bctrl` in a folder, in this process, with `given` as standard input."""
    code: object = None
    out, err, given_stream = (TextIOWrapper(BytesIO(data), "utf-8", newline="") for data in (b"", b"", given))
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", given_stream)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code or 0
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return CompletedProcess(arguments, int(str(code)), *texts)
