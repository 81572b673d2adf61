"""Writes data as YAML that is safe to print."""

from __future__ import annotations

from math import inf
from typing import Any

import yaml

from pytest_bctrl.escaping import escape_line, escape_yaml


def yaml_text(data: Any) -> str:
    """Return data as YAML that is safe to print: control characters in its strings are escaped."""
    # No line is folded: a folded line could begin with a workflow command of GitHub Actions.
    return escape_yaml(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=inf))


class _Dumper(yaml.SafeDumper):
    """Indents sequences below their key, writes no aliases, and puts scalars with escapes in double quotes."""

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        """Return the node of a scalar, in double quotes if it has to be escaped."""
        if escape_line(value) != value:
            style = '"'
        return super().represent_scalar(tag, value, style)

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent a sequence below its key too."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Return True, so that no alias is written."""
        return True
