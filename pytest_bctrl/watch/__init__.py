"""Observes the HTTP exchanges of a project's own tests and checks them; loaded only with `--bctrl-watch`."""
