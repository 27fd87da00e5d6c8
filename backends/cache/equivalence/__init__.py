"""When two questions are the same question."""
