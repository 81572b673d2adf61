"""Settings: the table of all settings, how each one is read, and the configuration of the current pytest run."""
