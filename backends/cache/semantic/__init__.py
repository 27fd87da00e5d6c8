"""Stored answers found by what a question means."""
