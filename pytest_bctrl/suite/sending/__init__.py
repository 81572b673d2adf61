"""Talks to the API under test: requests, connections, retries, budgets and transport errors."""
