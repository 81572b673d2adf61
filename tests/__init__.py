UNUSED = " ".join(f"-p no:{name}" for name in ("schemathesis", "allure_pytest", "pytest_jsonreport", "metadata"))
"""Plugins that are half of what a start of pytest costs, and of no use to a run that does not ask for them."""
