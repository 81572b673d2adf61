"""What an API really sends: facts by place, bounded by the contract, whatever the traffic."""
