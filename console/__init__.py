"""The terminal console of claw; it knows the core only by backends.core.api."""
