"""Servers and files that attack: what they are after is bounded, and said."""
