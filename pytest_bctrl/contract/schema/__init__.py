"""What schemas of the contract mean: the one place that reads JSON Schema for checks, samples, observation and mock."""
