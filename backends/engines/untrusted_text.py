"""Text that a server wrote, made safe for an error message."""

import re

SHORT = 200  # characters


def one_line(text: object, *, secret: str | None = None) -> str:
    """One printable line of at most 200 characters, without `secret`. Markup in it stays untrusted."""
    line = str(text)
    if secret:
        line = line.replace(secret, "***")
    line = re.sub(r"\s+", " ", line[: 4 * SHORT])
    line = "".join(char for char in line if char.isprintable()).strip()
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"
