"""What a contract run reports: observations, verdicts, terminal output and files, without secrets."""
