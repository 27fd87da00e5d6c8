"""Incidents: alerts are written to the ledger as they begin, change and end, and read back at the next start."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from backends.clock import Clock
from backends.errors import LedgerError
from backends.ledger.notification_rows import Notification
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import PAST_DAYS, Alerts
from backends.monitoring.push import Push
from backends.types import Alert

EVERY_S = 5.0
"""How often new counts and texts are written; an onset, an end and another state are written at once."""

SEEN_EVERY_S = 15.0
"""How often it is written of those that stand that they still do: after a crash nobody knows it more closely."""

RETRY_S = 1.0
LEFT_OVER_S = 60.0
"""How long after the start a condition of an earlier core may be found again and go on as the same incident."""

MOST_UNWRITTEN = 1_000
log = logging.getLogger(__name__)


class IncidentLog:
    """`run` is for a background task; `restore` comes before any alert is raised. While the ledger takes none, up to
    1,000 incidents are kept to be written later; the alerts themselves stand all the same. The messages of `push` are
    written with the incidents that they tell of, then sent.
    """

    def __init__(self, ledger: Ledger, alerts: Alerts, clock: Clock, *, push: Push, every_s: float = EVERY_S) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._push = push
        self._clock = clock
        self._every_s = every_s
        self._began_at, self._began = clock.now(), clock.monotonic()
        self._seen_at = clock.monotonic()
        self._unwritten: dict[str, Alert] = {}
        self._unsent: list[Notification] = []
        self._states: dict[str, str] = {}
        self._urgent = asyncio.Event()
        alerts.record = self.record

    async def restore(self) -> None:
        """Take over what earlier cores have written."""
        try:
            self._alerts.restore(await self._ledger.incidents(self._began_at - timedelta(days=PAST_DAYS)))
        except LedgerError as error:
            log.warning("earlier incidents are not known: %s", error)
        await self._push.restore()

    def record(self, alert: Alert) -> None:
        """Write it soon: at once where it is new, has ended or is in another state."""
        self._unwritten.pop(alert.id, None)
        while len(self._unwritten) >= MOST_UNWRITTEN:
            del self._unwritten[next(iter(self._unwritten))]
        self._unwritten[alert.id] = alert
        if messages := self._push.due(alert):
            self._unsent += messages
            self._urgent.set()
        state = f"{alert.state} {alert.severity}"
        if self._states.get(alert.id) != state:
            self._urgent.set()
        if alert.ended_at is None:
            self._states[alert.id] = state
        else:
            self._states.pop(alert.id, None)

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._urgent.wait()
            self._urgent.clear()
            self._see()
            if not await self.flush():
                await asyncio.sleep(RETRY_S)

    async def flush(self) -> bool:
        """Write what is not written yet; False where the ledger takes none."""
        written = dict(self._unwritten)
        if not written:
            return True
        messages, self._unsent = self._unsent, []
        try:
            await self._ledger.record_incidents(tuple(written.values()), messages)
        except LedgerError as error:
            log.info("incidents are written later: %s", error)
            return False
        finally:
            self._push.send(messages)  # also where they cannot be written: they may tell of that
        for id, alert in written.items():
            if self._unwritten.get(id) is alert:
                del self._unwritten[id]
        return True

    def _see(self) -> None:
        """Now and then note what still stands, and end what an earlier core left standing and is not found again."""
        now = self._clock.monotonic()
        if now - self._began >= LEFT_OVER_S:
            self._alerts.close_left_over(self._began_at)
        if now - self._seen_at >= SEEN_EVERY_S:
            self._seen_at = now
            for alert in self._alerts.current():
                self._unwritten.setdefault(alert.id, alert)
