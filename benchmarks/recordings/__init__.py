"""How long it takes to load a recording of a long list and to replay it, beside peers that do the same."""
