"""Training: programs that make the weights and word lists that the wheel carries."""
