"""The schema-drift gate, held to its word."""
