"""One engine as the router handles it: its client, its places, its breaker and what it has been measured to do."""

from collections.abc import Callable

from msgspec import Struct

from backends.catalogue import Catalogue
from backends.catalogue.media import MIME_TYPES
from backends.clock import Clock
from backends.engines.base import Engine
from backends.engines.prompt_parts import IMAGE_TYPES
from backends.settings.engines import Engine as EngineOfKind
from backends.settings.engines import GeminiSettings, OllamaSettings, ServerSettings
from backends.types import CLOUD, LOCAL, EngineName, EngineState, Health, RuntimeReading, Zone
from backends.upstream.circuit_breaker import Breaker
from backends.upstream.concurrency import Limiter
from backends.upstream.provider_quota import ProviderQuota
from backends.upstream.throughput import Rates
from backends.upstream.token_ratio import TokenRatios

QWEN_SPEAKS = frozenset(["en", "zh", "fr", "es", "pt", "de", "it", "ru", "ja", "ko", "vi", "th", "ar"])
"""As Qwen 2.5's own announcement names them."""

SEES = ("vl", "vision", "llava", "gemma3", "minicpm-v", "pixtral")


def _nobody_told() -> None:
    """Until somebody watches."""


class Label(Struct, frozen=True, kw_only=True):
    """An engine's honest name on screen."""

    text: str
    simulated: bool = False


class EngineSlot:
    """`missing` names what it cannot work without, where that is known before any call; "" where nothing is.

    `unproved` says why it is not known whether it is this machine, "" where that is known.
    `catalogue` says what its model can do, `quota` counts what a provider counts; one of its own where none is given.
    """

    def __init__(
        self,
        name: EngineName,
        engine: Engine,
        settings: EngineOfKind,
        *,
        zone: Zone,
        label: Label,
        clock: Clock,
        catalogue: Catalogue | None = None,
        quota: ProviderQuota | None = None,
    ) -> None:
        self.name = name
        self.engine = engine
        self.settings = settings
        self.zone = zone
        self.label = label
        self.catalogue = catalogue or Catalogue()
        self.quota = quota or ProviderQuota(clock)
        self.local_proved = False
        self.unproved = ""
        self.stopped = False
        self.missing = ""
        self.runtime: RuntimeReading | None = None
        self._shown: object = None
        self.changed: Callable[[], None] = _nobody_told
        self.limiter = Limiter(
            name,
            parallel=settings.parallel,
            queue_limit=settings.queue_limit,
            changed=lambda: self.changed(),
            monotonic=clock.monotonic,
        )
        self.breaker = Breaker(clock, changed=lambda: self.changed())
        self.rates = Rates()
        self.ratios = TokenRatios()

    @property
    def model(self) -> str:
        return self.settings.model

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        if isinstance(self.settings, ServerSettings):
            return self.settings.context
        return self.catalogue.model(self.model).window

    @property
    def least_output(self) -> int:
        """Output tokens that a prompt must leave room for."""
        return self.settings.min_output if isinstance(self.settings, ServerSettings) else 1

    @property
    def media(self) -> frozenset[str]:
        """Kinds of files beside images that it reads."""
        return self.catalogue.model(self.model).media if isinstance(self.settings, GeminiSettings) else frozenset()

    @property
    def languages(self) -> frozenset[str]:
        """Languages that the model is known to speak; empty where nothing is known of it."""
        return QWEN_SPEAKS if self.zone == LOCAL and self.model.lower().startswith("qwen") else frozenset()

    @property
    def vision(self) -> bool:
        """Does the model see images? Qwen 2.5 does not; of a local model's name only the usual marks are known."""
        return isinstance(self.settings, GeminiSettings) or any(mark in self.model.lower() for mark in SEES)

    @property
    def forces_tools(self) -> bool:
        """Can it be held to calling a tool? Ollama has no word for it."""
        return not isinstance(self.settings, OllamaSettings)

    @property
    def images(self) -> frozenset[str]:
        """Media types of the images that its server takes."""
        return IMAGE_TYPES[self.settings.kind] if isinstance(self.settings, ServerSettings) else MIME_TYPES["image"]

    def why_not(self) -> str | None:
        """Why no call should be sent now, in a phrase; None where one may."""
        if self.missing:
            return self.missing
        if self.limiter.full:
            return f"its queue of {self.settings.queue_limit} is full"
        return None if self.breaker.usable() else self.breaker.why or "down"

    def wait_s(self) -> float | None:
        """Seconds a newcomer is likely to wait; what the engine says it has waiting inside stands before it too."""
        limiter = self.limiter
        waiting = limiter.waiting + (self._reported_waiting() or 0)
        return self.rates.wait_s(
            waiting=waiting, in_flight=limiter.in_flight, parallel=limiter.parallel, running_s=limiter.running_s()
        )

    def told(self, reading: RuntimeReading) -> None:
        """Take what the engine says of itself. One that is back may be asked at once, whatever the pause."""
        before, self.runtime = self.runtime, reading
        if before is not None and reading.reachable and not before.reachable:
            self.breaker.shorten()
        shown = (self._health(), reading.waiting)
        if before is None or shown != self._shown:
            self._shown = shown
            self.changed()

    def state(self) -> EngineState:
        limiter = self.limiter
        health, detail = self._health()
        return EngineState(
            name=self.name,
            zone=self.zone,
            kind=self.settings.kind,
            model=self.model,
            label=self.label.text,
            simulated=self.label.simulated,
            health=health,
            detail=detail,
            since=self.breaker.since,
            in_flight=limiter.in_flight,
            waiting=limiter.waiting,
            waiting_by_agent=limiter.waiting_by_agent(),
            parallel=limiter.parallel,
            predicted_wait_s=self.wait_s(),
            tokens_per_s=self.rates.tokens_per_s,
            reported_waiting=self._reported_waiting(),
            stopped=self.stopped,
            quota=self.quota.states() if self.zone == CLOUD else (),
            reopens_at=self.breaker.reopens_at(),
        )

    def _health(self) -> tuple[Health, str]:
        """How it is, and in a line why: what its calls met first, then what it says of itself."""
        breaker, runtime, limiter = self.breaker, self.runtime, self.limiter
        if self.missing:
            return "down", self.missing
        if breaker.health in ("down", "degraded"):
            return breaker.health, breaker.why
        if runtime is not None and not runtime.reachable:
            return "down", runtime.detail
        if limiter.parallel < self.settings.parallel:
            return "degraded", f"busy, {limiter.parallel} of {self.settings.parallel} at once"
        return ("up" if runtime is not None else breaker.health), ""

    def _reported_waiting(self) -> int | None:
        return self.runtime.waiting if self.runtime is not None else None
