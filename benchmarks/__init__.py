"""One runnable module a question; each prints a table and can print JSON."""
