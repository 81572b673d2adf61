"""The mock server against its peers, in one run: `python -m benchmarks.mock`."""
