"""The configuration in a command that repeats a finding of Schemathesis has the path values and nothing else."""

from __future__ import annotations

import tomllib

from hypothesis import example, given
from hypothesis import strategies as st
from schemathesis.config._env import resolve

from pytest_bctrl.suite.plan.schemathesis_engine import configuration_lines

TEXTS = st.text(st.characters(codec="utf-8")) | st.lists(st.sampled_from('${}"\\\nA=[]#')).map("".join)


@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
@example({'x" = 1\nhooks = "a.py"\n"': "${BCTRL_API_KEY}"})
def test_schemathesis_reads_each_path_value_and_no_variable(path_values: dict[str, str]) -> None:
    tables = tomllib.loads("\n".join(configuration_lines(path_values)))

    assert ["parameters"] == list(tables)
    read = {name.removeprefix("path."): resolve(value) for name, value in tables["parameters"].items()}
    assert path_values == read
