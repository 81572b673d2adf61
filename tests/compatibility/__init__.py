"""Other versions and other plugins: a short selection that every environment of the matrix can afford."""
