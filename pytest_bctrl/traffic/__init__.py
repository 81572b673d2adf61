"""What goes over the wire: the client that talks to a target, and the mock server that answers."""
