"""The contract: the vendored OpenAPI document plus the overlay, and what can be read from it."""
