"""The contract suite: ordinary pytest tests that `--bctrl-mock` and `--bctrl-live` add to a run."""
