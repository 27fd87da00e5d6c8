"""Names that programs choose, such as those of tools, as they may stand in alerts and phrases."""

import re

PLAIN = re.compile(r"[A-Za-z_][\w.:\-]{0,39}", re.ASCII)
MOST_DIGITS = 4


def plain_name(name: str, otherwise: str) -> str:
    """The name, where it is no more than one: letters, a few digits, and no room for an address, a key or a number of
    somebody; else `otherwise`.
    """
    plain = PLAIN.fullmatch(name) is not None and sum(map(str.isdigit, name)) <= MOST_DIGITS
    return name if plain else otherwise
