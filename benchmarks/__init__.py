"""Measured figures, as ratios against peers in the same run: `tox -e bench`."""
