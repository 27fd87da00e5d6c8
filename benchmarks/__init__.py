"""Runnable modules, one a question; each prints a table and can print JSON."""
