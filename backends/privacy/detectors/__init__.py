"""What is private, a kind a file."""
