"""OpenAI's chat completions, streamed and whole."""
