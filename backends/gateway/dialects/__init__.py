"""The HTTP APIs that clients speak, a room each: its body as a canonical request, the answer in its own form."""
