"""Sample and generated bodies, built from the contract: nothing here knows the API but through the document."""

from pytest_bctrl.samples.sample import SPACE_ID, Samples, response, runtime, runtimes

__all__ = ["SPACE_ID", "Samples", "response", "runtime", "runtimes"]
