"""Interprets the schemas of the contract for checks, samples, observation and mock."""
