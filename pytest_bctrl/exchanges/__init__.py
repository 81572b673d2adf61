"""Checks of whole exchanges, a request together with its response, and the coverage that they reach."""
