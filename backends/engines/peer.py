"""Whom we talk to, and the sentences for what goes wrong on the way there and back."""

import aiohttp
import httpx
from msgspec import Struct

from backends.engines.address import origin
from backends.engines.foreign import one_line
from backends.errors import EngineError

CONNECT_S = 10.0  # name, socket and TLS together


class Peer(Struct, frozen=True, kw_only=True):
    """One engine's server. `label` names it in errors, `remedy` says what to do when it is not there.

    `billed` is True where a call that was sent may be charged though no answer came. `proxy` is the address of the
    proxy between here and there; what it holds of a user and a password is in no sentence.
    """

    base_url: str
    label: str
    remedy: str
    billed: bool
    proxy: str | None = None

    def absent(self, what: str) -> EngineError:
        """Nothing was sent, or nothing that was sent counts."""
        return EngineError(f"{self.label} at {origin(self.base_url)} {what}: {self.remedy}", kind="unavailable")

    def unproxied(self, what: str) -> EngineError:
        """The proxy, and not the server, said no or nothing: nothing was processed."""
        return EngineError(
            f"{self.label} is not reached, the proxy at {origin(self.proxy or '')} {what}: check engines.cloud.proxy",
            kind="unavailable",
        )

    def broken(self, what: str) -> EngineError:
        """A stream that ended before its end."""
        return EngineError(f"{self.label} {what}: the answer is incomplete, ask again", kind="cut", billed=self.billed)

    def late(self, what: str) -> EngineError:
        """Accepted, then silent."""
        return EngineError(
            f"{self.label} {what}: ask again, or raise its time limit in the settings",
            kind="timeout",
            billed=self.billed,
        )

    def strange(self, what: str) -> EngineError:
        """Something that the engine's protocol does not allow."""
        return EngineError(
            f"{self.label} {what}: check that {origin(self.base_url)} is the right address and version",
            kind="protocol",
            billed=self.billed,
        )

    def empty(self, what: str) -> EngineError:
        """It ended as if it had answered, with nothing that can be used."""
        return EngineError(f"{self.label} {what}: ask again, or ask another model", kind="empty", billed=self.billed)

    def redirects(self, status: int, location: str) -> EngineError:
        to = one_line(origin(location) or "elsewhere")
        return EngineError(
            f"{self.label} at {origin(self.base_url)} redirects to {to} ({status}), which is never followed:"
            " set the address it should have",
            kind="unavailable",
            status=status,
        )

    def unanswered(self, error: Exception) -> EngineError:  # noqa: PLR0911 — a table of causes
        """What became of a request that got no response."""
        cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
        match cause:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
                return self.absent("cannot be trusted (its TLS certificate or handshake failed)")
            case aiohttp.ClientProxyConnectionError():
                return self.unproxied(f"cannot be reached ({_reason(cause.os_error)})")
            case aiohttp.ClientHttpProxyError():
                return self.unproxied(f"refuses ({cause.status})")
            case aiohttp.ClientConnectorDNSError():
                return self.absent("cannot be found (its name does not resolve)")
            case aiohttp.ClientConnectorError():
                return self.absent(f"cannot be reached ({_reason(cause.os_error)})")
            case aiohttp.ConnectionTimeoutError():
                return self.absent(f"cannot be reached (no connection within {CONNECT_S:g} s)")
            case aiohttp.ServerTimeoutError():
                return self.late("did not answer in time")
            case aiohttp.ClientConnectionError() if not self.billed:
                return self.absent("closed the connection before it answered")
            case aiohttp.ClientConnectionError():
                # it was sent: only where nothing is charged is that as good as never sent
                return self.broken("closed the connection before it answered")
            case _:
                return self.strange("does not speak HTTP as expected")


def _reason(error: OSError) -> str:
    return {"ConnectionRefusedError": "connection refused"}.get(type(error).__name__, "no way to it")
