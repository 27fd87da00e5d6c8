"""The heartbeat: an address that is called while the core lives, so that somebody hears when it does not."""

import asyncio
import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.receivers import NotDelivered, request
from backends.settings.notify import Heartbeat

log = logging.getLogger(__name__)


def below(url: str, path: str) -> str:
    """The address with `path` at the end of its own path, before any query."""
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + path).geturl()


async def send_heartbeats(
    settings: Heartbeat, environ: Mapping[str, str], alerts: Alerts, *, every_s: float | None = None
) -> None:
    """Call the address every so often, until cancelled. It tells that the core lives, whatever its engines do; with a
    `fail_path` another address is called while a critical alert stands that is not silenced. `every_s` is, by default,
    that of the settings.
    """
    if not (url := settings.url or environ.get(settings.url_env, "")):
        log.warning("no heartbeat is sent: %s is not set", settings.url_env)
        return
    heard = True
    while True:
        failing = any(alert.severity == "critical" and alert.state != "silenced" for alert in alerts.current())
        where = below(url, settings.fail_path) if failing and settings.fail_path else url
        try:
            await request(where, None, timeout_s=settings.timeout_s, method=settings.method)
        except NotDelivered as error:
            if heard:
                log.warning("the heartbeat is not heard: %s", error)
            heard = False
        else:
            heard = True
        await asyncio.sleep(settings.every_s if every_s is None else every_s)
