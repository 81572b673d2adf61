"""`python -m pytest_bctrl` is `pytest-bctrl`."""

import sys

from pytest_bctrl.cli import main

sys.exit(main())
