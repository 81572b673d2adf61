"""Measures what redaction costs a run: the ratios of the same tests with a key and without one.

`python -m benchmarks.redaction [--runs N]` runs a failing test with 20 MB of output, one with 10 MB of percent-encoded
text, one with 10 MB of base64, a passing test with 20,000 log lines, and 10,000 trivial tests with `-vv`. No ratio
should exceed 1.5. `--key` selects the characters of the key. The failing tests are expected failures, so any command
that fails is an error of the benchmark.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import ratio_line, time_commands

MAX_RATIO = 1.5

_LINES = "('2026-01-01 12:00:00 INFO module: processed request number 12345 in 0.33 s for user bob\\n' * 240_000)"
_OUTPUTS = {
    "20 MB of output": f"{_LINES}[:20_000_000]",
    "10 MB of percent-encoded text": "''.join('%%%02X' % byte for byte in random.Random(1).randbytes(3_333_333))",
    "10 MB of base64": "base64.b64encode(random.Random(1).randbytes(7_500_000)).decode()",
}
_ALPHABETS = {
    "letters": string.ascii_letters + string.digits,
    "hex": string.digits + "abcdef",
    "punctuation": string.punctuation,
}
_UNUSED_PLUGINS = ("randomly", "schemathesis", "hypothesispytest", "anyio", "cacheprovider")


def main() -> None:
    """Measure the tests with and without a key, and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured rounds (default: %(default)s)")
    parser.add_argument("--key", choices=_ALPHABETS, default="letters", help="(default: %(default)s)")
    options = parser.parse_args()
    key = "".join(random.SystemRandom().choices(_ALPHABETS[options.key], k=30))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, arguments in _write_tests(folder).items():
            pytest = [sys.executable, "-m", "pytest", *(f"-pno:{plugin}" for plugin in _UNUSED_PLUGINS), *arguments]
            commands = {
                "with a key": ["env", f"BCTRL_API_KEY={key}", *pytest],
                "without a key": ["env", "-u", "BCTRL_API_KEY", *pytest],
            }
            print(
                f"{title}: {ratio_line(time_commands(commands, folder, options.runs), 'with a key', 'without a key')}"
            )
    print(f"No ratio should exceed {MAX_RATIO}.")


def _write_tests(folder: Path) -> dict[str, list[str]]:
    """Write a test file per figure, and return the arguments of pytest by the title of the figure."""
    arguments = {}
    for number, (title, text) in enumerate(_OUTPUTS.items()):
        name = f"test_output{number}.py"
        (folder / name).write_text(
            "import base64, random, pytest\n\n"
            f"@pytest.mark.xfail\ndef test_prints():\n    print({text})\n    assert False\n"
        )
        # `--xfail-tb` shows the output of expected failures.
        arguments[title] = ["-rA", "--xfail-tb", name]
    (folder / "test_logs.py").write_text(
        "import logging\n\ndef test_logs():\n"
        "    for number in range(20_000):\n        logging.warning('line %d of the log', number)\n"
    )
    (folder / "test_many.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('number', range(10_000))\ndef test_passes(number):\n    pass\n"
    )
    return arguments | {"20,000 log lines": ["test_logs.py"], "10,000 tests with -vv": ["-vv", "test_many.py"]}


if __name__ == "__main__":
    main()
