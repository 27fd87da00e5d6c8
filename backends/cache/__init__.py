"""Answers kept: the exact tier, and the semantic one where its extra is installed."""
