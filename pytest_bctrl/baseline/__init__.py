"""What is known and accepted for a while: lists of accepted findings, of the drift gate and of the checks alike."""
