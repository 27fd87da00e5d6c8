"""Generators of the tables, examples and picture in the documentation."""
