"""What is known and borne for a while: lists of accepted findings, of the drift gate and of the checks alike."""
