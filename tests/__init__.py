import os

_NAMES = ("schemathesis", "hypothesispytest", "allure_pytest", "pytest_jsonreport", "metadata")
UNUSED = " ".join(f"-p no:{name}" for name in _NAMES)
"""Plugins that are half of what a start of pytest costs, and of no use to a run that does not ask for them."""

EVERYTHING = bool(os.environ.get("BCTRL_TESTS_EVERYTHING"))
"""Whether tests take all cases of a product, not some: what the environment `attacks` sets."""

IMPACT_TRUTH = os.environ.get("BCTRL_IMPACT_TRUTH") == "all"
"""Whether the claims of impact runs about all changes are compared with a server that has made them."""
