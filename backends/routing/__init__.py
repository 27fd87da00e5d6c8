"""Where a request goes, and how well each way would answer it."""
