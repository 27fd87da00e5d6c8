"""Speed and memory: what claw costs the machine and adds to a request."""
