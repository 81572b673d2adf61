"""The baseline: findings of the suite and of drift that are accepted until a date."""
