"""The response cache: exact repeats, and paraphrases where the semantic extra is installed."""
