"""What two questions must agree in before one's answer may serve the other."""


def stopped_by(asked: str, stored: str) -> str | None:
    """The name of the first guard that tells the two apart, None where none does."""
    return None if asked == stored else "wording"
