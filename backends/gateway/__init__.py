"""The agents' door: HTTP dialects and the control socket, over backends.core.api."""
