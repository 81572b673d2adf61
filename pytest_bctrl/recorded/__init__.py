"""Recorded tests: where recordings, the contract's checks and pytest meet."""
