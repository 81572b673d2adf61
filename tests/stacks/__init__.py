"""The contract suite against real servers and behind real proxies; `tox -e stacks` installs what Python has of them."""
