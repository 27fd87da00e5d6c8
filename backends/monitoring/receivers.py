"""Receivers of alerts: a command, a webhook, ntfy, Slack. Each gets messages one at a time, within its time limit."""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from backends.child_environment import child_environment
from backends.ledger.notification_rows import PushMessage
from backends.settings.notify import Notify
from backends.text.terminal_safe import safe
from backends.text.times import seconds
from backends.types import Severity

LISTED = 20
"""Messages that one which sums up several lists."""

LINE = 240
"""Characters of a message's line; phones show fewer."""

PRIORITY = {"critical": 5, "warning": 3}
"""ntfy's, from 1 to 5."""


class NotDelivered(Exception):
    """Why a receiver has not taken a message: a few words without its address. `retry_after_s` is what it asked for."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class Receiver:
    """One table of `[[notify]]`. Its address and its token may come from the environment; they are in no error."""

    def __init__(self, settings: Notify, environ: Mapping[str, str], timezone: tzinfo | None) -> None:
        self.settings = settings
        self.name = settings.name
        self._timezone = ZoneInfo(settings.timezone) if settings.timezone else timezone
        self._url = settings.url or environ.get(settings.url_env, "")
        self._token = environ.get(settings.token_env, "") if settings.token_env else ""
        unset = [name for name in (settings.url_env, settings.token_env) if name and not environ.get(name)]
        self.lacks = f"{' and '.join(unset)} not set in the core's environment" if unset else ""

    def is_quiet(self, severity: Severity, now: datetime) -> bool:
        """Does a message of this severity have to wait at `now`?"""
        return self.settings.is_quiet(severity, now, self._timezone)

    async def send(self, messages: Sequence[PushMessage]) -> None:
        """One message, or one that sums up several. Raises NotDelivered."""
        if self.lacks:
            raise NotDelivered(self.lacks)
        line, settings = self.line(messages), self.settings
        if settings.kind == "command":
            await run_command((*settings.argv, line), msgspec.json.encode(_payload(messages, line)), settings.timeout_s)
            return
        url, body = self._url, _payload(messages, line)
        if settings.kind == "ntfy":
            url, body = _ntfy(url, messages, line)
        elif settings.kind == "slack":
            body = {"text": line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
        await request(url, body, token=self._token, timeout_s=settings.timeout_s)

    def line(self, messages: Sequence[PushMessage]) -> str:
        """What a person reads: the worst of several first."""
        worst = sorted(messages, key=lambda one: (one.event == "ended", one.severity != "critical", one.since))
        rehearsal = "rehearsal: " if worst[0].rehearsal else ""
        if len(messages) == 1:
            line = self._sentence(messages[0])
        else:
            ended = sum(one.event == "ended" for one in messages)
            line = f"{len(messages)} alerts, {ended} of them ended; first: {self._sentence(worst[0])}"
        return safe(f"{rehearsal}{line}")[:LINE]

    def _sentence(self, message: PushMessage) -> str:
        if message.event == "test":
            return message.text
        since = f"{message.since.astimezone(self._timezone):%H:%M:%S}"
        effect = f", {message.effect}" if message.effect else ""
        if message.ended_at is not None:
            lasted = seconds((message.ended_at - message.since).total_seconds())
            return f"ended: {message.text}, lasted {lasted} from {since}{effect}"
        now = "now " if message.event == "changed" else ""
        return f"{now}{message.severity}: {message.text}, since {since}{effect}"


def _payload(messages: Sequence[PushMessage], line: str) -> dict[str, Any]:
    host = socket.gethostname()
    if len(messages) == 1:
        alone: dict[str, Any] = msgspec.to_builtins(messages[0])
        return {"line": line, "host": host} | alone
    listed = [msgspec.to_builtins(one) for one in messages[:LISTED]]
    return {"line": line, "host": host, "event": "several", "count": len(messages), "messages": listed}


def _ntfy(url: str, messages: Sequence[PushMessage], line: str) -> tuple[str, dict[str, Any]]:
    """ntfy takes JSON at its root, with the topic in it."""
    parts = urlsplit(url)
    folder, _, topic = parts.path.rstrip("/").rpartition("/")
    standing = [one for one in messages if one.event != "ended"]
    worst = "critical" if any(one.severity == "critical" for one in standing) else "warning"
    remedy = f"\n{messages[0].remedy}" if len(messages) == 1 and standing and messages[0].remedy else ""
    body = {
        "topic": topic,
        "title": f"claw on {socket.gethostname()}",
        "message": f"{line}{safe(remedy, newlines=True)}",
        "priority": PRIORITY[worst] if standing else 2,
        "tags": [("rotating_light" if worst == "critical" else "warning") if standing else "white_check_mark"],
    }
    return f"{parts.scheme}://{parts.netloc}{folder}/", body


async def request(
    url: str, body: dict[str, Any] | None, *, token: str = "", timeout_s: float, method: str = "POST"
) -> None:
    """One HTTP request, which must be answered with 2xx. Raises NotDelivered."""
    import aiohttp

    headers = {"User-Agent": "claw"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession(trust_env=False) as session,
            session.request(method, url, json=body, headers=headers, allow_redirects=False) as response,
        ):
            status, retry_after = response.status, response.headers.get("Retry-After", "")
    except TimeoutError:
        raise NotDelivered(f"no answer within {timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotDelivered(f"it cannot be reached ({type(error).__name__})") from None  # its text has the address
    if not 200 <= status < 300:
        raise NotDelivered(f"it answers with {status}", float(retry_after) if retry_after.isdecimal() else None)


async def run_command(argv: Sequence[str], stdin: bytes, timeout_s: float) -> None:
    """Run a program, which gets JSON on stdin and no key of claw's; past the limit it is killed with its children.
    Raises NotDelivered.
    """
    quiet = asyncio.subprocess.DEVNULL
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=quiet,
            stderr=quiet,
            env=child_environment(),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotDelivered(f"the program cannot be run ({type(error).__name__})") from None
    try:
        async with asyncio.timeout(timeout_s):
            await child.communicate(stdin)
    except TimeoutError:
        raise NotDelivered(f"the program ran longer than {timeout_s:g} s") from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
    if child.returncode:
        raise NotDelivered(f"the program ended with {child.returncode}")
