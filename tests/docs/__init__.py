"""Every command and snippet of the documentation is run: a page at a time, in a fresh folder, as a reader would."""
