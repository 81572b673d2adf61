"""An error while tests are collected."""

import os

from echoed import echoed

if "FROM_FIXTURE" not in os.environ:
    # There the secret is added only once the fixture is set up.
    raise ValueError(echoed("collection"))
