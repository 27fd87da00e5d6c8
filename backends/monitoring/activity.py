"""The activity feed: each request from its decision to its end, for watchers, and the last ones for who comes late."""

from collections import deque

from msgspec.structs import replace

from backends import events
from backends.bus import Bus
from backends.clock import Clock
from backends.errors import ClawError
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.refusals import Refusals
from backends.monitoring.request_series import RequestSeries
from backends.monitoring.traffic_window import TrafficWindow
from backends.types import Estimate, Exchange, Explanation, InFlight, Outcome, Request

RECENT = 200
"""Requests that are listed for who comes late."""


class ActivityFeed:
    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        *,
        refusals: Refusals,
        traffic: TrafficWindow,
        series: RequestSeries,
        alerts: Alerts,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._refusals = refusals
        self._traffic = traffic
        self._series = series
        self._alerts = alerts
        self._recent: deque[Exchange] = deque(maxlen=RECENT)
        self._in_flight: dict[str, InFlight] = {}

    def decided(self, request: Request, explanation: Explanation) -> None:
        exchange = Exchange(id=request.id, at=self._clock.now(), explanation=explanation)
        self._put(exchange)
        self._refusals.passed(request.agent)
        self._traffic.decided(request.id, explanation)
        self._bus.publish(events.Decided(exchange=exchange))

    def progressed(self, in_flight: InFlight) -> None:
        self._in_flight[in_flight.id] = in_flight
        self._bus.publish(events.Progressed(in_flight=in_flight))

    def settled(self, outcome: Outcome) -> None:
        self._in_flight.pop(outcome.id, None)
        for index, exchange in enumerate(self._recent):
            if exchange.id == outcome.id:
                self._recent[index] = replace(exchange, outcome=outcome)
        ended = self._traffic.settled(outcome)
        self._series.settled(outcome, ended)
        if ended is not None:
            self._alerts.count(ended)
        self._bus.publish(events.Settled(outcome=outcome))

    def refused(self, id: str, agent: str, error: ClawError) -> None:
        self._refusals.record(agent, error)
        ended = self._traffic.refused(id, agent, error)
        self._series.refused(ended)
        self._alerts.count(ended)
        message, status = str(error), error.http_status
        now = self._clock.now()
        self._bus.publish(
            events.RequestRefused(at=now, id=id, agent=agent, rule=error.kind, message=message, status=status)
        )

    def restore(self, outcomes: tuple[Outcome, ...]) -> None:
        """Fill the list of recent requests from the ledger's, oldest first. Their decisions' details are not stored."""
        for outcome in outcomes:
            self._put(Exchange(id=outcome.id, at=outcome.started_at, explanation=restored(outcome), outcome=outcome))

    def recent(self) -> tuple[Exchange, ...]:
        return tuple(self._recent)

    def in_flight(self) -> tuple[InFlight, ...]:
        return tuple(self._in_flight.values())

    def _put(self, exchange: Exchange) -> None:
        for index, old in enumerate(self._recent):
            if old.id == exchange.id:
                self._recent[index] = exchange
                return
        self._recent.append(exchange)


def restored(outcome: Outcome) -> Explanation:
    """What the ledger's row still tells of a decision."""
    return Explanation(
        agent=outcome.agent,
        engine=outcome.engine,
        zone=outcome.zone,
        model=outcome.model,
        intent=outcome.intent,
        complexity=outcome.complexity,
        sensitive=outcome.sensitive,
        reasons=outcome.reasons,
        decision_us=0.0,
        estimate=Estimate(cost_usd=outcome.cost_usd, latency_ms=outcome.latency_ms),
    )
