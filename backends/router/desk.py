"""One engine as the router handles it: its client, its places, its breaker and what it has been measured to do."""

from collections.abc import Callable

from msgspec import Struct

from backends.clock import Clock
from backends.engines.base import Engine
from backends.router.breaker import Breaker
from backends.router.limiter import Limiter
from backends.router.rates import Rates
from backends.settings import CloudEngine, LocalEngine
from backends.types import EngineName, EngineState

CLOUD_CONTEXT = 1_048_576  # tokens, of every Gemini 2.5 model
SEES = ("vl", "vision", "llava", "gemma3", "minicpm-v", "pixtral")


def _nobody_told() -> None:
    """Until somebody watches."""


class Label(Struct, frozen=True, kw_only=True):
    """An engine's honest name on screen."""

    text: str
    simulated: bool = False


class Desk:
    def __init__(
        self,
        name: EngineName,
        engine: Engine,
        settings: LocalEngine | CloudEngine,
        *,
        label: Label,
        clock: Clock,
    ) -> None:
        self.name = name
        self.engine = engine
        self.settings = settings
        self.label = label
        self.local_proved = False
        self.stopped = False
        self.reported_waiting: int | None = None
        self.changed: Callable[[], None] = _nobody_told
        self.limiter = Limiter(
            name, parallel=settings.parallel, queue_limit=settings.queue_limit, changed=lambda: self.changed()
        )
        self.breaker = Breaker(clock, changed=lambda: self.changed())
        self.rates = Rates()

    @property
    def model(self) -> str:
        return self.settings.model

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self.settings.context if isinstance(self.settings, LocalEngine) else CLOUD_CONTEXT

    @property
    def vision(self) -> bool:
        """Does the model see images? Qwen 2.5 does not; of a local model's name only the usual marks are known."""
        return self.name == "cloud" or any(mark in self.model.lower() for mark in SEES)

    def wait_s(self) -> float | None:
        limiter = self.limiter
        return self.rates.wait_s(waiting=limiter.waiting, in_flight=limiter.in_flight, parallel=limiter.parallel)

    def state(self) -> EngineState:
        breaker, limiter = self.breaker, self.limiter
        shrunk = limiter.parallel < self.settings.parallel
        health = "degraded" if breaker.health == "up" and shrunk else breaker.health
        return EngineState(
            name=self.name,
            kind=self.settings.kind if isinstance(self.settings, LocalEngine) else "gemini",
            model=self.model,
            label=self.label.text,
            simulated=self.label.simulated,
            health=health,
            detail=breaker.why or (f"busy, {limiter.parallel} of {self.settings.parallel} at once" if shrunk else ""),
            since=breaker.since,
            in_flight=limiter.in_flight,
            waiting=limiter.waiting,
            waiting_by_agent=limiter.waiting_by_agent(),
            parallel=limiter.parallel,
            predicted_wait_s=self.wait_s(),
            tokens_per_s=self.rates.tokens_per_s,
            reported_waiting=self.reported_waiting,
            stopped=self.stopped,
        )
