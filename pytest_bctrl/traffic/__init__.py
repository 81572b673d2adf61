"""What sends, answers and saves requests: the client, the mock server and recordings."""
