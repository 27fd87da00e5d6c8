"""Who may come in: which key a route needs, and whose call it is.

Once a key was made, every route but the open ones needs one, and its caller is the agent that the key names, whatever
else a request says.
"""

import asyncio
import hmac
import logging
from pathlib import Path
from typing import Literal

from backends.errors import WrongSettings
from backends.gateway import agent_keys
from backends.gateway.agent_keys import AgentKey, AgentKeys
from backends.gateway.http_errors import HttpError
from backends.gateway.request_headers import HeaderText
from backends.settings.gateway import KeysNeeded

Access = Literal["open", "agent", "control"]

KEY_HEADERS = (b"authorization", b"x-api-key", b"x-goog-api-key")
"""Where the clients of OpenAI's and Ollama's, of Anthropic's and of Google's API show their key."""

REREAD_S = 0.4
"""How soon a changed key file is noticed. A look at it costs 0.1 ms in a thread."""

log = logging.getLogger(__name__)


class AccessCheck:
    def __init__(self, needed: KeysNeeded, keys: Path | None = None, *, token: str | None = None) -> None:
        """`keys` is the agents' key file, which `load` reads; `token` the operator's, for this run of the core."""
        self._needed = needed
        self._path = keys
        self._token = token
        self._on = needed == "required"
        self._by_hash: dict[str, AgentKey] = {}
        self._seen: tuple[int, ...] | None = None

    def agent(self, access: Access, header: HeaderText) -> str | None:
        """Whose call it is, None where the request itself says so. Raises HttpError (401)."""
        if access == "control":
            self._check_token(header(b"authorization"))
        elif access == "agent" and self._on:
            return self._known(header)
        return None

    def load(self) -> None:
        """Read the file. Raises WrongSettings; no key is valid then."""
        if self._path is None or self._needed == "off":
            return
        self._by_hash = {}
        self._seen = _stamp(self._path)
        self._take(agent_keys.read(self._path))

    async def watch(self) -> None:
        """Read the file again whenever it has changed. One that became unreadable lets nobody in."""
        while self._path is not None and self._needed != "off":
            await asyncio.sleep(REREAD_S)
            if await asyncio.to_thread(_stamp, self._path) == self._seen:
                continue
            try:
                await asyncio.to_thread(self.load)
            except WrongSettings as error:
                self._on = True
                log.warning("no agent's key is valid: %s", error)

    def _take(self, found: AgentKeys) -> None:
        self._by_hash = {key.sha256: key for key in found.keys if key.valid}
        # Once on, they stay on while the core runs: a file that was deleted opens nothing.
        self._on = self._on or bool(found.keys)

    def _known(self, header: HeaderText) -> str:
        shown = {_key_in(header(name)) for name in KEY_HEADERS} - {""}
        agents = {found.agent for key in shown if (found := self._found(key))}
        if len(agents) != 1:
            raise HttpError(401, "invalid_api_key", _WRONG if shown else _MISSING)
        return agents.pop()

    def _found(self, key: str) -> AgentKey | None:
        """The hash is looked up whole, and compared in constant time; no key is ever compared itself."""
        digest = agent_keys.hash_of(key)
        found = self._by_hash.get(digest)
        return found if found is not None and hmac.compare_digest(found.sha256, digest) else None

    def _check_token(self, authorization: str | None) -> None:
        given = _key_in(authorization).encode("latin-1")
        if self._token is None or not hmac.compare_digest(given, self._token.encode()):
            line = "the control token is missing or wrong: `claw serve` writes it to control.token"
            raise HttpError(401, "token", line)


_MISSING = "a key is needed here: the operator makes one with `claw key add AGENT`"
_WRONG = "this key is not valid: it is wrong, or was revoked; the operator makes another with `claw key add AGENT`"


def _key_in(header: str | None) -> str:
    """A bearer's token, or a header that is a key itself; "" for other schemes."""
    scheme, between, token = (header or "").partition(" ")
    if not between:
        return "" if scheme.lower() == "bearer" else scheme
    return token.strip() if scheme.lower() == "bearer" else ""


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes with every change of the file. None where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid
