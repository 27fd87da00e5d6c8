"""Addresses of the operator's own machines: names and networks that the settings mark as internal."""

import ipaddress
import re
from collections.abc import Iterator

from backends.patterns import Network, network_of
from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow

ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"
)


class InternalHosts:
    """`*.corp.example` means every host below; a name without a star itself; `10.0.0.0/8` or an address a network."""

    def __init__(self, marked: tuple[str, ...]) -> None:
        """Raises ValueError for what is neither a host name nor a network."""
        names: list[str] = []
        self._networks: list[Network] = []
        for host in marked:
            if (network := network_of(host)) is not None:
                self._networks.append(network)
            else:
                names.append(
                    re.escape(host.lower().removeprefix("*.")).join(("(?:[\\w\\-]+\\.)+" if "*" in host else "", ""))
                )
        self._names = re.compile(rf"(?<![\w.\-])(?:{'|'.join(names)})(?![\w\-]|\.\w)") if names else None

    def find(self, window: TextWindow) -> Iterator[Detection]:
        """Hosts and addresses that are marked."""
        if self._names is not None:
            for match in self._names.finditer(window.lowered):
                yield Detection("internal-host", match.start(), match.end())
        for match in ADDRESS.finditer(window.text) if self._networks else ():
            if self._is_internal(match[0]):
                yield Detection("internal-host", match.start(), match.end())

    def _is_internal(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
