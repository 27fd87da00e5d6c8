"""What agents and consoles talk to: HTTP dialects and the control socket, over the core."""
