"""The operator's own privacy rules, parsed: for the settings that hold them and for the privacy gate."""

import ipaddress
import re

import regex


def compiled(pattern: str) -> "regex.Pattern[str]":
    """One of `privacy.patterns`. Raises ValueError where it is not a regular expression."""
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None


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
