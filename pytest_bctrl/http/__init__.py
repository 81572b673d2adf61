"""HTTP: requests and responses as data, the routes of a contract, and content codings."""
