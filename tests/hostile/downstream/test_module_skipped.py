"""A module that is skipped."""

import os

import pytest
from echoed import echoed

if "FROM_FIXTURE" not in os.environ:
    pytest.skip(echoed("module-skip"), allow_module_level=True)
