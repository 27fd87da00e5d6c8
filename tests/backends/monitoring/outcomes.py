"""Outcomes and published events for the tests of what watches requests."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from backends import events
from backends.types import ZERO, Outcome, Tokens
from tests.backends.monitoring.test_alerts import Recorder

E = TypeVar("E", bound=events.Event)


def an_outcome(**fields: Any) -> Outcome:
    """One that local answered, except for `fields`."""
    usual: dict[str, Any] = {
        "id": "r1",
        "agent": "ada",
        "started_at": datetime(2026, 1, 15, 12, tzinfo=UTC),
        "source": "gateway",
        "engine": "local",
        "zone": "local",
        "model": "qwen2.5:14b",
        "intent": "chat",
        "complexity": 0.2,
        "sensitive": False,
        "reasons": (),
        "cache": "miss",
        "tokens": Tokens(),
        "cost_usd": ZERO,
        "baseline_usd": ZERO,
        "ttft_ms": 10.0,
        "latency_ms": 100.0,
        "finish": "stop",
    }
    return Outcome(**usual | fields)


def published(bus: Recorder, kind: type[E]) -> list[E]:
    """The events of a kind that were published, oldest first."""
    found: Iterable[events.Event] = bus.published
    return [event for event in found if isinstance(event, kind)]
