"""A core from its settings: what it stands on, its parts, and the way to a running one."""
