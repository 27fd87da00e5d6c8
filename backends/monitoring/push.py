"""Push: who is told of which alert, and the delivery of it, with retries, at least once over a crash.

A message is written to the ledger in the transaction of its incident, then sent. Only a crash between the receiver's
answer and the note of it sends one twice. While the ledger takes no rows, messages live in memory alone.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from msgspec import Struct

from backends.clock import Clock
from backends.errors import LedgerError
from backends.ledger.notification_rows import Notification, PushMessage
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import NOTIFY_FAILED
from backends.monitoring.receivers import NotDelivered, Receiver
from backends.settings.notify import Told
from backends.types import Alert, Severity


class PushTimes(Struct, frozen=True, kw_only=True):
    """Seconds between attempts, the last for all further ones; until an end is told, which an alert that comes back
    before takes back; between looks at quiet hours; that a receiver fails before that is an alert; and the longest
    Retry-After that is obeyed.
    """

    retry_s: Sequence[float] = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
    end_after_s: float = 30.0
    look_s: float = 30.0
    alert_after_s: float = 60.0
    longest_wait_s: float = 3600.0


MOST_WAITING = 200
"""Messages that wait for one receiver; the oldest are dropped beyond it."""

GIVEN_UP = timedelta(hours=24)
"""A message that could not be delivered for so long is dropped: it is no news any more."""

A_MINUTE = 10
"""Messages that one receiver gets in a minute; more wait, and are then summed up."""

SEVERAL = 5
"""With more than so many waiting, one message sums them up."""

DEFAULT_TIMES = PushTimes()
RANK: dict[Severity, int] = {"warning": 0, "critical": 1}
log = logging.getLogger(__name__)


class Push:
    """`due` and `send` are the incident log's to call; `restore` comes before both, `run` is for a background task."""

    def __init__(
        self,
        receivers: Sequence[Receiver],
        *,
        ledger: Ledger,
        alerts: Alerts,
        clock: Clock,
        rehearsal: bool = False,
        times: PushTimes = DEFAULT_TIMES,
    ) -> None:
        self._receivers = [one for one in receivers if one.settings.rehearsal or not rehearsal]
        self._outboxes = {
            one.name: _Outbox(one, ledger=ledger, alerts=alerts, clock=clock, times=times) for one in self._receivers
        }
        self._clock = clock
        self._ledger = ledger
        self._rehearsal = rehearsal
        self._told: dict[tuple[str, str], Severity] = {}

    async def restore(self) -> None:
        """Take over what earlier cores have not delivered, and what receivers know of incidents that stand."""
        try:
            known = await self._ledger.notifications() if self._receivers else ()
        except LedgerError as error:
            log.warning("earlier messages are not known: %s", error)
            return
        for one in known:
            if one.message.event != "ended":
                self._told[one.target, one.message.id] = one.message.severity
        waiting = [one for one in known if one.delivered_at is None and one.target in self._outboxes]
        for one in waiting:
            self._outboxes[one.target].put(one)
        self.send(waiting)

    def due(self, alert: Alert) -> list[Notification]:
        """The messages that an alert as it is now asks for, once each. They wait until they are written: for `send`."""
        found = []
        for receiver in self._receivers:
            event = self._event(receiver, alert)
            if event is not None and event in receiver.settings.events:
                message = _message(alert, event, rehearsal=self._rehearsal)
                one = Notification(id=uuid4().hex, target=receiver.name, created_at=self._clock.now(), message=message)
                self._outboxes[receiver.name].put(one)
                found.append(one)
        return found

    def send(self, notifications: Sequence[Notification]) -> None:
        """Send these soon."""
        for one in notifications:
            self._outboxes[one.target].release(one.id)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for outbox in self._outboxes.values():
                group.create_task(outbox.run(), name=f"push to {outbox.name}")

    def _event(self, receiver: Receiver, alert: Alert) -> Told | None:
        """What is new for this receiver. One is not told of itself, of what is silenced or was seen before it knew of
        it, and of an end only where it knows of the beginning.
        """
        place = receiver.name, alert.id
        known = self._told.get(place)
        if alert.key == NOTIFY_FAILED.key.format(receiver=receiver.name):
            return None
        if alert.ended_at is not None:
            self._told.pop(place, None)
            return None if known is None or self._outboxes[receiver.name].forget(alert.id) else "ended"
        below = RANK[alert.severity] < RANK[receiver.settings.severity]
        if known is None and not below:
            known = self._outboxes[receiver.name].take_back(alert.key)
            if known is not None:
                self._told[place] = known
        if known == alert.severity or alert.state == "silenced" or (known is None and (below or alert.state != "new")):
            return None
        self._told[place] = alert.severity
        return "raised" if known is None else "changed"


class _Waiting(NamedTuple):
    """A message and the moments, in seconds of clock.monotonic, from which it may be sent and at which it is dropped.
    `known`: what it ends was told. `written`: it is in the ledger.
    """

    notification: Notification
    ready_at: float
    given_up_at: float
    known: bool
    written: bool = False

    @property
    def message(self) -> PushMessage:
        return self.notification.message


class _Outbox:
    """The messages that wait for one receiver, in order. One that waits is replaced by a newer one of its incident."""

    def __init__(self, receiver: Receiver, *, ledger: Ledger, alerts: Alerts, clock: Clock, times: PushTimes) -> None:
        self.name = receiver.name
        self._receiver = receiver
        self._ledger = ledger
        self._alerts = alerts
        self._clock = clock
        self._times = times
        self._waiting: dict[str, _Waiting] = {}
        self._dropped: list[str] = []
        self._sent: deque[float] = deque(maxlen=A_MINUTE)
        self._filled = asyncio.Event()
        self._failed_at: float | None = None

    def put(self, notification: Notification) -> None:
        """One of its incident that has not been sent yet is replaced: in the ledger, too."""
        message, now = notification.message, self._clock.monotonic()
        replaced = [id for id, one in self._waiting.items() if one.message.id == message.id]
        for id in replaced:
            del self._waiting[id]
        age = max(timedelta(), self._clock.now() - notification.created_at)
        self._waiting[notification.id] = _Waiting(
            notification,
            ready_at=now + (self._times.end_after_s if message.event == "ended" and not replaced else 0.0),
            given_up_at=now + (GIVEN_UP - age).total_seconds(),
            known=not replaced,
        )
        while len(self._waiting) > MOST_WAITING:
            self._drop(next(iter(self._waiting)))

    def release(self, id: str) -> None:
        """It is written, and may be sent; one that is not wanted any more leaves the ledger again."""
        if id in self._waiting:
            self._waiting[id] = self._waiting[id]._replace(written=True)
        else:
            self._dropped.append(id)
        self._filled.set()

    def take_back(self, key: str) -> Severity | None:
        """An alert has come back: drop the message of its end. What was its severity? None where no end waits."""
        for id, one in self._waiting.items():
            if one.message.key == key and one.message.event == "ended" and one.known:
                self._drop(id)
                return one.message.severity
        return None

    def forget(self, incident: str) -> bool:
        """An incident has ended: drop what waits of it for the end of quiet hours. Was that its beginning?"""
        held = [id for id, one in self._waiting.items() if one.message.id == incident and self._is_quiet(one.message)]
        events = [self._waiting[id].message.event for id in held]
        for id in held:
            self._drop(id)
        return "raised" in events

    async def run(self) -> None:
        failures = 0
        while True:
            ready = self._ready()
            await self._settle()
            if not ready:
                await _any(self._filled, self._until_next())
                continue
            await self._pace()
            ready = self._ready()
            batch = ready if len(ready) > SEVERAL else ready[:1]
            if not batch:
                continue
            try:
                await self._receiver.send([one.message for one in batch])
            except NotDelivered as error:
                self._failing(str(error))
                waits = self._times.retry_s
                pause = error.retry_after_s if error.retry_after_s is not None else waits[min(failures, len(waits) - 1)]
                failures += 1
                await asyncio.sleep(min(pause, self._times.longest_wait_s))
            else:
                failures, self._failed_at = 0, None
                self._sent.append(self._clock.monotonic())
                self._alerts.clear(NOTIFY_FAILED, receiver=self.name)
                for one in batch:
                    self._waiting.pop(one.id, None)
                await self._settle([one.id for one in batch])

    def _ready(self) -> list[Notification]:
        """What may be sent now, oldest first."""
        self._filled.clear()
        now = self._clock.monotonic()
        for id in [id for id, one in self._waiting.items() if one.given_up_at <= now]:
            self._drop(id)
        return [
            one.notification
            for one in self._waiting.values()
            if one.written and one.ready_at <= now and not self._is_quiet(one.message)
        ]

    def _until_next(self) -> float | None:
        """Seconds until something may have become ready by itself; None where nothing waits."""
        now = self._clock.monotonic()
        later = (one.ready_at - now for one in self._waiting.values() if one.ready_at > now)
        return min((self._times.look_s, *later)) if self._waiting else None

    def _is_quiet(self, message: PushMessage) -> bool:
        return self._receiver.is_quiet(message.severity, self._clock.now())

    async def _pace(self) -> None:
        """Wait until the receiver has had fewer than A_MINUTE messages in the last minute."""
        if len(self._sent) == A_MINUTE:
            await asyncio.sleep(max(0.0, self._sent[0] + 60.0 - self._clock.monotonic()))

    def _failing(self, why: str) -> None:
        now = self._clock.monotonic()
        if self._failed_at is None:
            self._failed_at = now
            log.warning("%s has not taken an alert: %s", self.name, why)
        if now - self._failed_at >= self._times.alert_after_s or self._receiver.lacks:
            self._alerts.show(NOTIFY_FAILED, receiver=self.name, why=why)

    def _drop(self, id: str) -> None:
        del self._waiting[id]
        self._dropped.append(id)
        self._filled.set()

    async def _settle(self, delivered: Sequence[str] = ()) -> None:
        dropped, self._dropped = self._dropped, []
        if not (delivered or dropped):
            return
        try:
            await self._ledger.settle_notifications(delivered, dropped)
        except LedgerError as error:
            log.info("a message may be sent again: %s", error)


async def _any(event: asyncio.Event, timeout_s: float | None) -> None:
    """Wait for the event, but no longer than so many seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return


def _message(alert: Alert, event: Told, *, rehearsal: bool) -> PushMessage:
    """Without the provider's words (`detail`), which may hold anything."""
    return PushMessage(
        event=event,
        id=alert.id,
        key=alert.key,
        severity=alert.severity,
        text=alert.text,
        effect=alert.effect,
        remedy=alert.remedy,
        since=alert.since,
        ended_at=alert.ended_at,
        requests=alert.requests,
        agents=alert.agents,
        cost_usd=alert.cost_usd,
        rehearsal=rehearsal,
    )
