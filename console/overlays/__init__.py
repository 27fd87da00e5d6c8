"""Windows above the panes: why a request went where it did, savings, a budget's limit, help."""
