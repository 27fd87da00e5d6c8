"""What ratings have taught the router."""
