"""An engine's API key, with the environment variable that it comes from."""

from backends.errors import EngineError


class ApiKey:
    """`value` is None where the variable is not set. Not a struct: a repr would show the key."""

    def __init__(self, value: str | None, variable: str, *, source: str = "") -> None:
        """`source` is where keys can be had, an address for messages; "" where it is not known."""
        self.value = value
        self.variable = variable
        self.source = source

    def checked(self) -> str:
        """The key as a header may carry it. Raises EngineError "key"."""
        if not self.value:
            raise EngineError(f"no API key: {self.remedy}", kind="key")
        if not (self.value.isascii() and self.value.isprintable() and " " not in self.value):
            raise EngineError(f"{self.variable} holds characters that no key has: set it again", kind="key")
        return self.value

    @property
    def remedy(self) -> str:
        """What to do about a key that is missing or not accepted."""
        return f"set {self.variable} to a valid one" + (f" from {self.source}" if self.source else "")
