"""Settings: built-in values, then claw.toml, then the environment, each with the place it came from."""
