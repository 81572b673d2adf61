"""One module per mock library: each remembers where the project registered a response."""
