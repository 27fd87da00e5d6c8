"""Whether two questions are the same question."""
