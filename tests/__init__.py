import os

_NAMES = ("schemathesis", "hypothesispytest", "allure_pytest", "pytest_jsonreport", "metadata")
UNUSED = " ".join(f"-p no:{name}" for name in _NAMES)
"""Options that block plugins which take half of the start of pytest, for runs that do not use them."""

EVERYTHING = bool(os.environ.get("BCTRL_TESTS_EVERYTHING"))
"""Whether tests run all combinations instead of a sample, as in the environment `attacks`."""

IMPACT_TRUTH = os.environ.get("BCTRL_IMPACT_TRUTH") == "all"
"""Whether the results of impact runs are verified for all changes, with a server that has made the change."""
