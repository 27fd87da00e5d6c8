"""One engine as the router handles it: its slot, limits, breaker, counts and costs."""
