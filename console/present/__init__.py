"""Data to lines of text, pure."""
