"""Checks of whole exchanges: a request together with its response."""
