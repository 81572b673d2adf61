"""HTTP traffic: the client that sends requests to a target, the mock server, and recordings."""
