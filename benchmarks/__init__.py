"""Benchmarks: ratios to other tools, measured in the same run. `tox -e bench` runs those that need no Node."""
