"""One module per library: each builds the response object of its library for a response to receive."""
