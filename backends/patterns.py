"""The operator's own privacy rules, parsed: for the settings that hold them and for the privacy gate."""

import ipaddress
import re
import warnings
from functools import lru_cache
from itertools import islice
from time import thread_time

import regex

from backends.hostile_texts import hostile_texts

TRIED, TRIED_SIGNS = 60, 1_000
"""Hostile texts that a pattern is tried on, and their length."""

ONE_S, ALL_S = 0.1, 0.5
"""CPU seconds for one of them, and for all. Time that grows with the square of a text's length takes a tenth of that,
and is left to the gate's own bound; with its cube, or doubling with each sign, it takes more.
"""


@lru_cache(256)
def compiled(pattern: str) -> "regex.Pattern[str]":
    """One of `privacy.patterns`. Raises ValueError for what is no regular expression, or takes too long to search."""
    try:
        found = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    text = _explodes_on(found)
    if text is not None:
        raise ValueError(
            f"takes too long on texts such as {text[:24]!r}: it repeats what is itself repeated, or stands beside a "
            "repetition of the same signs; write such parts once, or bound them, as in {1,20}"
        )
    return found


def _explodes_on(pattern: "regex.Pattern[str]") -> str | None:
    """A short text that takes the pattern longer than `ONE_S`; None where none was found, or none could be made."""
    try:
        with warnings.catch_warnings(action="ignore"):
            texts = list(islice(hostile_texts(re.compile(pattern.pattern), TRIED_SIGNS), TRIED))
    except (re.error, OverflowError, RecursionError):
        return None  # what only `regex` can read is left to the gate's own bound
    began = thread_time()
    for text in texts:
        try:
            for _ in pattern.finditer(text, timeout=ONE_S):
                pass
        except TimeoutError:
            return text
        if thread_time() - began > ALL_S:
            return None
    return None


Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOST = re.compile(r"(?:\*\.)?[\w\-]+(?:\.[\w\-]+)*")


def network_of(host: str) -> Network | None:
    """One of `privacy.internal_hosts` as a network, None for a name. Raises ValueError for neither."""
    try:
        return ipaddress.ip_network(host, strict=False)
    except ValueError:
        if HOST.fullmatch(host) is None:
            raise ValueError(f"{host!r} is neither a host (*.corp.example) nor a network (10.0.0.0/8)") from None
        return None
