"""The router core of claw: headless, imports no terminal library."""

__version__ = "0.1.0"
