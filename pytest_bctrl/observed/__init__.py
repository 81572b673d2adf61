"""The facts observed in responses, by location; their number is limited by the contract, not by the traffic."""
