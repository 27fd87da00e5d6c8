"""Finding stored answers by the meaning of a question."""
