"""A reverse proxy that forwards requests and responses unchanged, and passes on what it saw of each exchange."""
