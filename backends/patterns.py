"""The operator's regular expressions, compiled: for the settings that name them and the privacy gate that runs them."""

import regex

from backends.errors import WrongSettings


def compiled(index: int, pattern: str) -> "regex.Pattern[str]":
    """`privacy.patterns[index]`. Raises WrongSettings, naming it, where it is no regular expression."""
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise WrongSettings(f"`privacy.patterns[{index}]` is no regular expression: {error}") from None
