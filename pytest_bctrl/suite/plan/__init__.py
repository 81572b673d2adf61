"""What a contract run sends: its tests, the probes of each test, and the requests of each probe."""
