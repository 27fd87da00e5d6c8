"""Reading what agents send: which text asks, what surrounds it, and which session it belongs to."""
