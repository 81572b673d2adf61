"""Mistakes in a configuration file and on the command line that pytest alone does not explain."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from pytest_bctrl.errors import SettingError
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table
from pytest_bctrl.settings.mistakes import require_known_options, require_values

from ..error_makers import Given

KEY = "pk_mistakes_test_0123456789"


@pytest.mark.parametrize(
    ("ini", "arguments", "message"),
    [
        ("bctrl_fail_om = info", (), "bctrl_fail_om (tox.ini): unknown setting (pytest --help lists the settings)"),
        ("bctrl-fail-on = info", (), "bctrl-fail-on (tox.ini): unknown setting (pytest --help lists the settings)"),
        (
            f"bctrl_api_key = {KEY}",
            ("--bctrl-live",),
            "bctrl_api_key (tox.ini): the key is not read from a file",
        ),
        ("", ("bctrl",), "bctrl: bctrl: it names the contract suite, which is not part of this run (give --bctrl-mock"),
        ("", ("bctrl::test_answer_conforms",), "bctrl::test_answer_conforms: it names the contract suite"),
        ("", ("--bctrl-accept=why",), "--bctrl-accept: there is no contract run whose findings to accept"),
        ("", ("--bctrl-mock", "--bctrl-rate=fast"), "--bctrl-rate: 'fast' is not a rate"),
        ("bctrl_impact_budget = 1 minute", ("--bctrl-impact=mutants",), "'1 minute' is not a time (give one such as"),
        ("", ("--bctrl-mock", "--bctrl-header=X-A"), "--bctrl-header: it is not a header field"),
        ("", ("--bctrl-mock", "--bctrl-max-examples", "-1"), "'-1' is not a number of examples (give 1 to 10000)"),
        ("bctrl_values = id =", ("--bctrl-mock",), "bctrl_values (ini): id has no value (write id = and a value that"),
        ("bctrl_values = id = VALUE", ("--bctrl-mock",), "bctrl_values (ini): id has no value"),
        ("bctrl_values =\n  id = 4\n  id = 5", ("--bctrl-mock",), "bctrl_values (ini): id has two values (keep one"),
        ("bctrl_values = spaceId = 5", ("--bctrl-mock",), "bctrl_values: no operation has the parameter 'spaceId'"),
        (
            "",
            ("--bctrl-mock", "--bctrl-contract=https://h/api.json"),
            "--bctrl-contract: a contract is a file, and this is a URL (download it, and give the file: curl -sSLo",
        ),
        ("", ("--bctrl-mock", "--bctrl-min-coverage=0.5"), "'0.5' is less than one percent (did you mean 50?)"),
    ],
)
def test_a_misspelt_setting_or_an_invalid_value_is_a_usage_error(
    pytester: pytest.Pytester, ini: str, arguments: tuple[str, ...], message: str
) -> None:
    pytester.makefile(".ini", tox=f"[pytest]\n{ini}\n")
    result = pytester.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert KEY not in result.stderr.str()


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ("[tool.bctrl]\nfail_on = 'info'", "bctrl"),
        ("[tool.bctrl]\nbctrl-fail-on = 'info'", "bctrl"),
        ("[tool.pytest-bctrl]\nx = 1", "pytest-bctrl"),
        ("[tool.bctrl]\nprofile = 'of another tool'", None),
        ("[tool]\nbctrl = 3", None),
        ("[tool.ruff]", None),
    ],
)
def test_table_that_nothing_reads_is_an_error(pytester: pytest.Pytester, table: str, wrong: str | None) -> None:
    """`[tool.bctrl]` with settings of bctrl is a usage error; tables of other tools are accepted."""
    pytester.makepyprojecttoml(f"{table}\n[tool.pytest.ini_options]\nbctrl_fail_on = 'info'")
    result = pytester.runpytest("--bctrl-mock", "--collect-only")
    message = f"[tool.{wrong}] (pyproject.toml): nothing reads this table (write the settings in [tool.pytest."
    assert (wrong is not None) == (result.ret == pytest.ExitCode.USAGE_ERROR)
    assert (wrong is not None) == (message in result.stderr.str())


def test_settings_of_another_plugin_and_folders_named_bctrl_are_accepted(pytester: pytest.Pytester) -> None:
    pytester.makefile(".ini", tox="[pytest]\nbctrl_of_mine = 1\nbctrl_fail_on = info\n")
    pytester.makeconftest("def pytest_addoption(parser): parser.addini('bctrl_of_mine', 'mine')")
    folder = pytester.mkdir("bctrl")
    (folder / "test_a.py").write_text("def test_a(): pass")
    pytester.runpytest("bctrl").assert_outcomes(passed=1)


def test_unset_variable_is_a_note_in_a_run_on_the_mock(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable named in `--bctrl-header`; the run passes."""
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    arguments = ("--bctrl-mock", "--bctrl-header=X-A: $NOT_SET_HERE", "bctrl::test_nothing_undocumented")
    result = pytester.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["bctrl: note: the variable NOT_SET_HERE is not set (--bctrl-header), which a live run needs"]
    )


@pytest.mark.parametrize(("text", "percent"), [("0.5%", 0.5), ("0", 0.0), ("1", 1.0), ("99.5", 99.5)])
def test_percentage_with_a_sign_may_be_less_than_one(text: str, percent: float) -> None:
    assert percent == settings.percentage(table.MIN_COVERAGE, Given(bctrl_min_coverage=text))


def test_fraction_is_not_a_percentage() -> None:
    with pytest.raises(SettingError, match=r"did you mean 85\?"):
        settings.percentage(table.MIN_COVERAGE, Given(bctrl_min_coverage="0.85"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--bctrl-base=https://h", "--bctrl-base: unknown option (pytest --help lists the options)"),
        ("--bctrl-api-key=secret_of_the_test", "--bctrl-api-key: the key is not taken from a command line, *"),
        ("--bctrl-token=secret_of_the_test", "--bctrl-token: the key is not taken from a command line, *"),
        ("--bctrl_live", "--bctrl_live: unknown option (pytest --help lists the options)"),
        ("--bctrl-values=a = b", "--bctrl-values: it is a setting of the configuration file (*-o bctrl_values=…)"),
        ("--bctrl-live=true", "--bctrl-live: it takes no value (write --bctrl-live)"),
        ("--bctrl-coverage=80", "--bctrl-coverage: it takes no value (*; --bctrl-min-coverage=PERCENT sets a minimum)"),
        ("--bctrl-contract", "--bctrl-contract: it has no value (write --bctrl-contract=PATH)"),
        ("--bctrl-until", "--bctrl-until: it has no value (write --bctrl-until=DATE)"),
    ],
)
def test_an_invalid_option_is_named_in_the_first_line(pytester: pytest.Pytester, option: str, message: str) -> None:
    result = pytester.runpytest(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert fnmatchcase(result.stderr.lines[0], f"ERROR: bctrl: {message}")
    assert "secret_of_the_test" not in result.stderr.str()


def test_every_option_in_the_help_is_known(pytester: pytest.Pytester) -> None:
    """`require_known_options` accepts each, and what follows `--`; `require_values` accepts values such as `-.5`."""
    help_text = pytester.runpytest("--help").stdout.str()
    options = re.findall(r"^  (--bctrl-[a-z-]+=?)", help_text, re.MULTILINE)
    assert len(set(options)) > 20
    parsers: list[pytest.Parser] = []

    class ParserReader:
        def pytest_addoption(self, parser: pytest.Parser) -> None:
            parsers.append(parser)

    pytester.plugins.append(ParserReader())
    pytester.parseconfig()
    require_known_options(parsers[0], [f"{option}x" if option.endswith("=") else option for option in options])
    require_known_options(parsers[0], ["--", "--bctrl-zzz"])
    require_values(["--bctrl-live", "--bctrl-contract", "a.json", "--", "--bctrl-until"])
    require_values(["--bctrl-accept", "- since Monday", "--bctrl-report", "-", "--bctrl-rate", "-.5"])


def test_an_option_of_the_project_that_begins_with_bctrl_is_accepted(pytester: pytest.Pytester) -> None:
    """`--bctrl-stage` of the project's conftest is accepted; `--bctrl-stag` is rejected as an unknown option."""
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--bctrl-stage', dest='stage')")
    pytester.makepyfile("def test_a(pytestconfig): assert pytestconfig.getoption('stage') == 'a b'")
    pytester.runpytest("--bctrl-stage", "a b").assert_outcomes(passed=1)
    result = pytester.runpytest("--bctrl-stag", "a b")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines[0].startswith("ERROR: bctrl: --bctrl-stag: unknown option")
