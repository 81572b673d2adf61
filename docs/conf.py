"""How the documentation is built: `tox -e docs`, with warnings as errors and no network."""

from __future__ import annotations

from pytest_bctrl import __version__

project = "pytest-bctrl"
author = "The pytest-bctrl developers"
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Quotes alone: `--bctrl-live` is two hyphens.
smartquotes_action = "q"

html_theme = "furo"
html_title = "pytest-bctrl"
html_show_copyright = False
html_show_sphinx = False
