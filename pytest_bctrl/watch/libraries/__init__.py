"""One module per library: each observes the exchanges of its library, and changes none."""
