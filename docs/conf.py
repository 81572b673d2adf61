"""How the documentation is built: `tox -e docs`, with warnings as errors and no network."""

from __future__ import annotations

import re
from typing import Any

from pytest_bctrl import __version__

project = "pytest-bctrl"
author = "The pytest-bctrl developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Quotes alone: `--bctrl-live` is two hyphens.
smartquotes_action = "q"

html_theme = "furo"
html_title = "pytest-bctrl"
html_show_copyright = False
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
add_module_names = False
python_use_unqualified_type_names = True

# What other projects define has its documentation elsewhere, and nothing is fetched while this is built.
nitpick_ignore_regex = [(r"py:.*", r"(?!pytest_bctrl\b).*")]


def _as_code(_app: Any, _what: str, _name: str, _of: Any, _options: Any, lines: list[str]) -> None:
    """Docstrings mark code with single backticks, as Markdown does; a letter may follow at once (`Source`s)."""
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``\\ ", line) for line in lines]


def setup(app: Any) -> None:
    """Register what the documentation needs of its own."""
    app.connect("autodoc-process-docstring", _as_code)
