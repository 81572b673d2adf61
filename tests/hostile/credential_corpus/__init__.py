"""Exchanges with planted credentials, and exchanges that only look alike; all are operations of `api.openapi.yaml`."""

from __future__ import annotations

from pathlib import Path

from . import fields, formats, harmless, issued, oauth, shapes, signed_urls
from .exchange import CorpusExchange, spellings

__all__ = ["CONTRACT", "HARMLESS", "PLANTED", "CorpusExchange", "spellings"]

CONTRACT = Path(__file__).parent / "api.openapi.yaml"

PLANTED: tuple[CorpusExchange, ...] = (
    *fields.EXCHANGES,
    *oauth.EXCHANGES,
    *signed_urls.EXCHANGES,
    *issued.EXCHANGES,
    *shapes.EXCHANGES,
    *formats.EXCHANGES,
)
"""Exchanges with credentials, in the order in which `follows` needs them."""

HARMLESS: tuple[CorpusExchange, ...] = harmless.EXCHANGES
"""Exchanges without credentials: redaction changes nothing in them."""
