"""`pytest --bctrl-impact`: the project's own tests, run once for each change of the contract, to see what breaks."""
