"""The tables `[[notify]]` and `[heartbeat]` of claw.toml: who is told of alerts, and who of the core being alive."""

import re
from datetime import datetime, time, tzinfo
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from backends.settings.money import check_timezone
from backends.settings.section import Seconds, Section
from backends.types import Severity

Told = Literal["raised", "changed", "ended"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


class Notify(Section, frozen=True, kw_only=True):
    UNSHOWN: ClassVar[frozenset[str]] = frozenset(("url", "argv"))

    name: Annotated[str, Meta(description="what it is called in alerts and reports: letters, digits, - and _")]
    kind: Annotated[
        Literal["command", "webhook", "ntfy", "slack"],
        Meta(description="command, webhook (JSON by POST), ntfy or slack (an incoming webhook of Slack's kind)"),
    ]
    url: Annotated[
        str, Meta(description="where it is sent to, for ntfy the topic's address; it is never shown or logged")
    ] = ""
    url_env: Annotated[str, Meta(description="environment variable that holds the address instead")] = ""
    token_env: Annotated[
        str, Meta(description="environment variable that holds a token, sent as Authorization: Bearer")
    ] = ""
    argv: Annotated[
        tuple[str, ...],
        Meta(description="for command: program and arguments; a line is added to them, stdin gets the JSON"),
    ] = ()
    severity: Annotated[Severity, Meta(description="alerts from this severity on: warning or critical")] = "critical"
    events: Annotated[
        tuple[Told, ...], Meta(description="of what it is told: raised, changed (the severity) and ended")
    ] = ("raised", "changed", "ended")
    quiet: Annotated[
        str, Meta(description="hours in which warnings wait, as 22:00-07:00; what ends meanwhile is not told")
    ] = ""
    quiet_critical: Annotated[bool, Meta(description="whether critical alerts wait in the quiet hours, too")] = False
    timezone: Annotated[
        str | None, Meta(description="time zone of the quiet hours; not set means money.timezone, or the machine's own")
    ] = None
    timeout_s: Annotated[Seconds, Meta(description="seconds that the receiver may take")] = 10.0
    rehearsal: Annotated[bool, Meta(description="whether alerts of a rehearsal are sent, marked as such")] = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError("`name` must be letters, digits, - and _, at most 40")
        if self.kind == "command":
            if not self.argv or not self.argv[0]:
                raise ValueError('`argv` must name a program, as ["notify-send", "claw"]')
            if self.url or self.url_env:
                raise ValueError("`url` is not for a command: use argv")
            if self.token_env:
                raise ValueError("`token_env` is not for a command: the program reads its own secrets")
        else:
            if self.argv:
                raise ValueError(f"`argv` is for commands: {self.kind} takes a url")
            _check_address(self.url, self.url_env)
            if self.kind == "ntfy" and self.url and not urlsplit(self.url).path.strip("/"):
                raise ValueError('`url` must end in a topic, as "https://ntfy.sh/my-topic"')
        if self.quiet and not QUIET.fullmatch(self.quiet):
            raise ValueError('`quiet` must be two times of day, as "22:00-07:00"')
        check_timezone(self.timezone)

    def is_quiet(self, severity: Severity, now: datetime, timezone: tzinfo | None) -> bool:
        """Does a message of this severity have to wait at `now`? `timezone` is its own or money.timezone's, None the
        machine's.
        """
        times = QUIET.fullmatch(self.quiet)
        if times is None or (severity == "critical" and not self.quiet_critical):
            return False
        begin, end = time(int(times[1]), int(times[2])), time(int(times[3]), int(times[4]))
        at = now.astimezone(timezone).time()
        return begin <= at < end if begin <= end else at >= begin or at < end


class Heartbeat(Section, frozen=True, kw_only=True):
    UNSHOWN: ClassVar[frozenset[str]] = frozenset(("url",))

    url: Annotated[
        str, Meta(description="address that is called while the core lives, as healthchecks.io gives one; never shown")
    ] = ""
    url_env: Annotated[str, Meta(description="environment variable that holds the address instead")] = ""
    every_s: Annotated[
        Annotated[float, Meta(ge=5, le=86_400)], Meta(description="seconds between two calls, 5 or more")
    ] = 60.0
    method: Annotated[Literal["GET", "POST"], Meta(description="GET or POST")] = "GET"
    fail_path: Annotated[
        str,
        Meta(description="added to the address while a critical alert stands, as /fail; not set: only life is told"),
    ] = ""
    timeout_s: Annotated[Seconds, Meta(description="seconds that the receiver may take")] = 10.0

    def __post_init__(self) -> None:
        if self.url or self.url_env:
            _check_address(self.url, self.url_env)
        if self.fail_path and not (self.fail_path.isascii() and self.fail_path.startswith("/")):
            raise ValueError('`fail_path` must begin with a slash, as "/fail"')


def _check_address(url: str, url_env: str) -> None:
    """Raise ValueError where there is not exactly one of both, or `url` is no address of a server."""
    if bool(url) == bool(url_env):
        raise ValueError("`url` or url_env must be set, and only one of them")
    if url_env:
        return
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError('`url` must be an address, as "https://ntfy.sh/my-topic"')
