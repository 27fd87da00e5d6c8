"""An engine's server: its address and label, and the errors for what goes wrong on the way there and back."""

import aiohttp
import httpx
from msgspec import Struct

from backends.engines.address import origin
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.types import EngineName

CONNECT_S = 10.0  # name, socket and TLS together


class Endpoint(Struct, frozen=True, kw_only=True):
    """One server of the engine called `engine`. `label` names it in errors, `remedy` says what to do when it cannot be
    reached.

    `billed` is True where a call that was sent may be charged although no answer came. `proxy` is the address of the
    proxy in between, if any; its user and password appear in no message.
    """

    engine: EngineName
    base_url: str
    label: str
    remedy: str
    billed: bool
    proxy: str | None = None

    def setting(self, key: str) -> str:
        """The full name of one of the engine's settings, for remedies."""
        return f"engines.{self.engine}.{key}"

    def unavailable(self, what: str) -> EngineError:
        """No answer, and nothing that was sent is charged."""
        return EngineError(f"{self.label} at {origin(self.base_url)} {what}: {self.remedy}", kind="unavailable")

    def proxy_failed(self, what: str) -> EngineError:
        """The proxy, not the server, refused or did not answer: nothing was processed."""
        return EngineError(
            f"{self.label} cannot be reached, the proxy at {origin(self.proxy or '')} {what}:"
            f" check {self.setting('proxy')}",
            kind="unavailable",
        )

    def cut_off(self, what: str) -> EngineError:
        """A stream that ended too early."""
        return EngineError(f"{self.label} {what}: the answer is incomplete, ask again", kind="cut", billed=self.billed)

    def timed_out(self, what: str) -> EngineError:
        """The server took the call and then sent nothing."""
        return EngineError(
            f"{self.label} {what}: ask again, or raise its time limit in the settings",
            kind="timeout",
            billed=self.billed,
        )

    def protocol_error(self, what: str) -> EngineError:
        """The server sent something that its protocol does not allow."""
        return EngineError(
            f"{self.label} {what}: check that {origin(self.base_url)} is the right address and version",
            kind="protocol",
            billed=self.billed,
        )

    def empty(self, what: str) -> EngineError:
        """The answer ended normally, but holds nothing that can be used."""
        return EngineError(f"{self.label} {what}: ask again, or ask another model", kind="empty", billed=self.billed)

    def redirected(self, status: int, location: str) -> EngineError:
        to = one_line(origin(location) or "elsewhere")
        return EngineError(
            f"{self.label} at {origin(self.base_url)} redirects to {to} ({status}), which is never followed:"
            " set the address it should have",
            kind="unavailable",
            status=status,
        )

    def no_response(self, error: Exception) -> EngineError:  # noqa: PLR0911 — a table of causes
        """The error for a request that got no response."""
        cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
        match cause:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
                return self.unavailable("cannot be trusted (its TLS certificate or handshake failed)")
            case aiohttp.ClientProxyConnectionError():
                return self.proxy_failed(f"cannot be reached ({_reason(cause.os_error)})")
            case aiohttp.ClientHttpProxyError():
                return self.proxy_failed(f"refuses ({cause.status})")
            case aiohttp.ClientConnectorDNSError():
                return self.unavailable("cannot be found (its name does not resolve)")
            case aiohttp.ClientConnectorError():
                return self.unavailable(f"cannot be reached ({_reason(cause.os_error)})")
            case aiohttp.ConnectionTimeoutError():
                return self.unavailable(f"cannot be reached (no connection within {CONNECT_S:g} s)")
            case aiohttp.ServerTimeoutError():
                return self.timed_out("did not answer in time")
            case aiohttp.ClientConnectionError() if not self.billed:
                return self.unavailable("closed the connection before it answered")
            case aiohttp.ClientConnectionError():
                # it was sent: only where nothing is charged is that as good as never sent
                return self.cut_off("closed the connection before it answered")
            case _:
                return self.protocol_error("does not speak HTTP as expected")


def _reason(error: OSError) -> str:
    return {"ConnectionRefusedError": "connection refused"}.get(type(error).__name__, "no way to it")
