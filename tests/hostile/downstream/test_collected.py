"""What fails before any test runs."""

import os

from echoed import echoed

if "FROM_FIXTURE" not in os.environ:
    # There the secret is known once the fixture is set up.
    raise ValueError(echoed("collection"))
