"""Engines' names as people write them."""

import difflib
from collections.abc import Iterable

from backends.agent_names import spelled
from backends.errors import WrongUse


def known_engine(name: str, engines: Iterable[str]) -> str:
    """`name` as it is spelled in `engines`, in any case. Raises WrongUse, which lists them and names the nearest."""
    known = tuple(engines)
    if found := spelled(name, known):
        return found
    nearest = difflib.get_close_matches(name.casefold(), known, n=1)
    hint = f"did you mean {nearest[0]}? The engines are" if nearest else "use one of"
    raise WrongUse(f"no engine {name[:64]!r} is known: {hint} {', '.join(known)}")
