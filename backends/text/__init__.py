"""Words for a person, safe for a terminal."""
