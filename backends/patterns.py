"""The operator's own privacy rules, parsed: for the settings that hold them and for the privacy gate."""

import ipaddress
import re

import regex

from backends.errors import WrongSettings


def compiled(index: int, pattern: str) -> "regex.Pattern[str]":
    """`privacy.patterns[index]`. Raises WrongSettings, naming it, where it is no regular expression."""
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise WrongSettings(f"`privacy.patterns[{index}]` is no regular expression: {error}") from None


Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOST = re.compile(r"(?:\*\.)?[\w\-]+(?:\.[\w\-]+)*")


def network_of(index: int, host: str) -> Network | None:
    """`privacy.internal_hosts[index]` as a network, None for a name. Raises WrongSettings for neither."""
    try:
        return ipaddress.ip_network(host, strict=False)
    except ValueError:
        if HOST.fullmatch(host) is None:
            raise WrongSettings(
                f"`privacy.internal_hosts[{index}]`: {host!r} is neither a host (*.corp.example) "
                "nor a network (10.0.0.0/8)"
            ) from None
        return None
