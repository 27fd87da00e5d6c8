"""Detectors of private data, one file for each kind; `kinds.py` has the table."""
