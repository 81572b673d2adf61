"""`python -m pytest_bctrl` is `pytest-bctrl`."""

import sys

from pytest_bctrl.cli import main

if __name__ == "__main__":
    sys.exit(main())
