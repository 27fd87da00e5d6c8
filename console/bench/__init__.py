"""The bench for prompts: what a prompt is sent with, to whom, and what becomes of its answers."""
