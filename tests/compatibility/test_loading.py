"""The plugin can be loaded by name, and has no effect if it is disabled."""

from __future__ import annotations

import pytest

from .test_jobs import FIXTURES, STRICT


@pytest.mark.parametrize(
    ("autoload", "named", "conftest"),
    [
        # The async test is run by anyio's plugin, which is named too.
        (False, ["bctrl", "anyio"], ""),
        (False, ["pytest_bctrl.plugin", "anyio"], ""),
        (False, [], 'pytest_plugins = ["pytest_bctrl.plugin", "anyio.pytest_plugin"]\n'),
        # By its name: pytest refuses a module that it has under a name already, whosever it is.
        (True, ["bctrl"], ""),
    ],
    ids=["by name", "as a module", "in a conftest", "loaded already"],
)
def test_the_plugin_can_be_loaded_by_name(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, autoload: bool, named: list[str], conftest: str
) -> None:
    """With and without autoloading, by `-p` or `pytest_plugins`: the tests of its fixtures pass."""
    if not autoload:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(conftest)
    pytester.makepyfile(FIXTURES)

    result = pytester.runpytest_subprocess(*STRICT, *(f"-p{name}" for name in named))

    result.assert_outcomes(passed=5, skipped=1)


def test_the_plugin_starts_with_settings_in_pyproject(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test passes with `bctrl_secrets` there: secrets are read before pytest knows all options."""
    monkeypatch.setenv("BCTRL_API_KEY", "pk_loading_0123456789")
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        bctrl_secrets = ["a secret value of the project"]
        bctrl_values = ["id = 5b1e0c8e-0000-4000-8000-00000000bc71"]
        """
    )
    pytester.makepyfile("def test_it(): pass")

    result = pytester.runpytest_subprocess(*STRICT)

    result.assert_outcomes(passed=1)


def test_a_disabled_plugin_has_no_effect(pytester: pytest.Pytester) -> None:
    """With `-p no:bctrl`, no module of it is imported, and no option or marker of it exists."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_left(pytestconfig):
            assert [] == [name for name in sys.modules if name.startswith("pytest_bctrl")]
            assert not hasattr(pytestconfig.option, "bctrl_live")
            assert not [line for line in pytestconfig.getini("markers") if line.startswith("bctrl")]
        """
    )

    pytester.runpytest_subprocess(*STRICT, "-p", "no:bctrl").assert_outcomes(passed=1)
