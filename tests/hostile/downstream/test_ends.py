"""A test that ends the run."""

import os

import pytest
from echoed import echoed


def test_end():
    """The run ends with `pytest.exit` or an interrupt, whose message has the secret."""
    if os.environ.get("ENDS") == "exit":
        pytest.exit(echoed("exit"))
    if os.environ.get("ENDS") == "interrupt":
        variable = echoed("interrupt")
        raise KeyboardInterrupt(variable)
