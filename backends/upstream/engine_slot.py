"""One engine as the router uses it: its replicas, its places, its queue and what has been measured of it."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from backends.catalogue import Catalogue
from backends.clock import Clock
from backends.engines.base import Call, Capabilities, EngineClient
from backends.errors import EngineError
from backends.settings.engines import Engine, GeminiSettings, serves
from backends.types import CLOUD, LOCAL, EngineName, EngineState, Health, RuntimeReading, Zone
from backends.upstream.circuit_breaker import CircuitBreaker
from backends.upstream.concurrency_limiter import ConcurrencyLimiter, Moved, stays_here
from backends.upstream.explicit_cache import ReadRates
from backends.upstream.first_bytes import FirstBytes, Unheard
from backends.upstream.prefix_cache import SEARCHED, PrefixMemory, lengths
from backends.upstream.provider_quota import ProviderQuota
from backends.upstream.replicas import Replica, Replicas
from backends.upstream.throughput import ThroughputEstimator
from backends.upstream.token_ratio import TokenRatios
from backends.upstream.writing_speed import WritingSpeed

QWEN_SPEAKS = frozenset(["en", "zh", "fr", "es", "pt", "de", "it", "ru", "ja", "ko", "vi", "th", "ar"])
"""As Qwen 2.5's own announcement names them."""

CACHED_S = 300.0
"""How long a provider is expected to keep a prefix; they promise a few minutes."""

CACHED_PROMPTS = 512
"""Prompts whose prefix a provider is expected to keep; a local server keeps one for each of its places."""


LEARN_PAUSE_S = 5.0
"""How long a server that did not describe its model is not asked again."""


MOST_UNSERVED = 16
LATE_EVERY_S = 0.25
FULL_S = 60.0
"""How long a server counts as full after it has said so."""

PATIENCE = 2.0
"""How many times its expected time a local prompt may take to be read."""


def _nobody_listens() -> None:
    """The default, until somebody watches."""


class Label(Struct, frozen=True, kw_only=True):
    """An engine's honest name on screen."""

    text: str
    simulated: bool = False


class ModelProfile(Struct, frozen=True, kw_only=True):
    """What is known of one model at one engine: what it can do, the languages that it is known to speak (empty where
    nothing is known), and its MMLU-Pro score in percent, None where nobody has published one.
    """

    model: str
    can: Capabilities
    languages: frozenset[str]
    score: float | None


class Unserved(Struct, frozen=True):
    """A model that its engine does not serve: since when, and the provider's words."""

    since: datetime
    detail: str


class Failures(Struct, frozen=True):
    """Those since the last good answer: when the first was sent, and how the last failed, in a phrase."""

    since: datetime
    how: str


NOT_THE_ENGINES = frozenset({"rejected", "context"})
"""Kinds of error that concern one request and say nothing of its engine."""

GIVEN_UP = "silent, its caller gave up"


class EngineSlot:
    """`missing` names what the whole engine cannot work without, where that is known before any call; "" where nothing
    is. `unproved` says why it is not known whether its prompts stay local, "" where that is known.

    `clients` are one for each address. `catalogue` says how able its models are, `quota` counts what a provider counts.
    """

    def __init__(
        self,
        name: EngineName,
        clients: Sequence[EngineClient],
        settings: Engine,
        *,
        zone: Zone,
        label: Label,
        clock: Clock,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.zone = zone
        self.label = label
        self._catalogue = catalogue or Catalogue()
        self._capabilities, self._learn_window = clients[0].capabilities, clients[0].learn_window
        self._now, self._monotonic, self._learn_from = clock.now, clock.monotonic, 0.0
        self.quota = ProviderQuota(clock)
        self.unproved = ""
        self.stopped = self.draining = False
        self.missing = ""
        self.changed: Callable[[], None] = _nobody_listens
        self.replicas = Replicas(
            [
                Replica(index, client, CircuitBreaker(clock, changed=self._breaker_changed))
                for index, client in enumerate(clients)
            ]
        )
        self.parallel = settings.parallel * len(self.replicas)
        self.limiter = ConcurrencyLimiter(
            name,
            parallel=self.parallel,
            queue_limit=settings.queue_limit,
            changed=lambda: self.changed(),
            monotonic=clock.monotonic,
        )
        self.throughput = ThroughputEstimator()
        self.writing = WritingSpeed()
        self.first_bytes = FirstBytes()
        self.answered_at: datetime | None = None
        self.unserved: dict[str, Unserved] = {}
        self._counted_late = -math.inf, 0
        self._full: tuple[datetime, float] | None = None
        self._failing: Failures | None = None
        self.ratios = TokenRatios()
        kept = self.parallel if zone == LOCAL else CACHED_PROMPTS
        self.prefixes = PrefixMemory(clock.monotonic, size=kept, seconds=CACHED_S)
        explicit = isinstance(settings, GeminiSettings) and settings.explicit_cache == "auto"
        self.read_rates = ReadRates(clock.monotonic) if explicit else None
        self._profiles: dict[str, ModelProfile] = {}
        self._shown: object = None

    @property
    def model(self) -> str:
        return self.settings.model

    def adopt(self, model: str) -> None:
        """Ask for another model from the next request on."""
        if self.label.text == self.settings.model:
            self.label = replace(self.label, text=model)
        self.settings = replace(self.settings, model=model)
        self.changed()

    def model_for(self, own: str) -> str:
        """The model for an agent whose own model is `own`, "" for none."""
        return own if own and serves(self.settings, own) else self.settings.model

    def profile(self, model: str) -> ModelProfile:
        """What `model` can do on this engine; looked up once, and again while its window is not known."""
        found = self._profiles.get(model)
        if found is None or not found.can.window_known:
            qwen = self.zone == LOCAL and model.lower().startswith("qwen")
            found = self._profiles[model] = ModelProfile(
                model=model,
                can=self._capabilities(model),
                languages=QWEN_SPEAKS if qwen else frozenset(),
                score=self.settings.ability or self._catalogue.ability(model),
            )
        return found

    async def learn_window(self, model: str) -> None:
        """Learn the window of `model`, at most once in some seconds where its server does not answer."""
        now = self._monotonic()
        if self.profile(model).can.window_known or now < self._learn_from:
            return
        self._learn_from = now + LEARN_PAUSE_S
        with suppress(EngineError):  # the call itself will say what is wrong
            await self._learn_window(model)
            self._learn_from = now
            self.changed()

    @property
    def proved(self) -> frozenset[str]:
        """The models whose prompts are proved to stay local, at one of its addresses at least."""
        return frozenset().union(*(replica.proved for replica in self.replicas))

    @property
    def breaker(self) -> CircuitBreaker:
        """That of a replica that may be called, else of the one that opens first."""
        return self.replicas.foremost.breaker

    @property
    def usable(self) -> bool:
        """May a call be sent now, as far as its replicas are concerned?"""
        return not self.missing and self.replicas.usable

    def why_not(self, *, watched: bool = False) -> str | None:
        """Why no call should be sent now, in a phrase; None where one may. `watched` is as in `ConcurrencyLimiter`."""
        if self.missing:
            return self.missing
        if self.limiter.full(watched=watched):
            return f"its queue of {self.settings.queue_limit} is full"
        return None if self.replicas.usable else self.replicas.foremost.why_not

    @property
    def barred(self) -> str:
        """How the operator keeps new calls from it, "stopped" or "drained"; "" where they may come."""
        return "stopped" if self.stopped else "drained" if self.draining else ""

    def drain(self, on: bool) -> int:
        """Keep new calls from it, or let them come again. What runs on it ends. What waits for it goes elsewhere where
        it may, and else keeps its turn here; returns how many went.
        """
        self.draining = on
        gone = self.limiter.send_away(EngineError(f"{self.name} is drained", kind="drained")) if on else 0
        self.changed()
        return gone

    def wait_s(self, *, watched: bool = False) -> float | None:
        """Seconds that a new call is likely to wait; what the server itself has waiting is before it, too."""
        limiter = self.limiter
        return self.throughput.wait_s(
            waiting=limiter.before(watched=watched) + (self._reported_waiting() or 0),
            in_flight=limiter.in_flight,
            parallel=limiter.parallel,
            running_s=limiter.running_s(),
        )

    def tokens_per_s(self) -> float | None:
        """How fast it writes: on average, or as lately where it has become much slower; None before any answer."""
        average, slow = self.throughput.tokens_per_s, self.writing.slow(self._monotonic())
        return average if slow is None or average is None else min(average, slow)

    def will_miss(self) -> int:
        """How many in the queue are expected to miss their deadline; counted at most four times a second."""
        limiter, throughput, now = self.limiter, self.throughput, self._monotonic()
        if not limiter.waiting:
            return 0
        if now - self._counted_late[0] < LATE_EVERY_S:
            return min(self._counted_late[1], limiter.waiting)
        running_s, parallel = limiter.running_s(), limiter.parallel
        first_s = throughput.first_token_s or 0.0

        def expected_s(before: int) -> float | None:
            wait_s = throughput.wait_s(
                waiting=before, in_flight=limiter.in_flight, parallel=parallel, running_s=running_s
            )
            return None if wait_s is None else wait_s + first_s

        self._counted_late = now, limiter.late(expected_s)
        return self._counted_late[1]

    def silent_s(self) -> float | None:
        """For how long a call has heard nothing; None where none waits for its first byte."""
        waiting = self.first_bytes.unheard()
        return self._monotonic() - waiting[0].since if waiting else None

    def answered(self, model: str) -> None:
        """A call ended as it should."""
        self.answered_at = self._now()
        self.unserved.pop(model, None)
        self._full = None
        if self._failing is not None:
            self._failing = None
            self.changed()

    def failed(self, error: EngineError, took_s: float) -> None:
        """A call failed that began `took_s` ago: the engine is not well until the next good answer."""
        if error.kind not in NOT_THE_ENGINES:
            self._fail(took_s, error.short)
        if error.kind == "busy":
            self._turned_away(took_s)

    def left(self, call: Unheard) -> None:
        """A call's caller left. One that gave up on an answer shows a failing engine."""
        now = self._monotonic()
        if self.first_bytes.left(call, now):
            self._fail(now - call.since, GIVEN_UP)

    def _fail(self, took_s: float, how: str) -> None:
        since = self._failing.since if self._failing else self._now() - timedelta(seconds=took_s)
        self._failing = Failures(since, how)
        self.changed()

    def _turned_away(self, took_s: float) -> None:
        """The server says that it is full, to a call that began `took_s` ago: send fewer at once."""
        self.limiter.busy()
        since = self._full[0] if self._full else self._now() - timedelta(seconds=took_s)
        self._full = since, self._monotonic()

    def full_since(self) -> datetime | None:
        """Since when its server turns calls away; None where it has answered since, or nobody has asked lately."""
        return None if self._full is None or self._monotonic() - self._full[1] > FULL_S else self._full[0]

    def refused_model(self, model: str, detail: str) -> None:
        """The engine says that it does not serve this model. The settings name few, so there are few."""
        if len(self.unserved) < MOST_UNSERVED:
            self.unserved.setdefault(model, Unserved(self._now(), detail))

    def first_token_s(self, unread: int) -> float | None:
        """Seconds to the first token of a prompt with so many tokens that its cache does not hold, once it is sent.

        A local server reads one prompt after the other: what it has not read yet comes before. Where no place is free,
        that is in `wait_s`.
        """
        if self.zone == LOCAL and self.limiter.in_flight < self.limiter.parallel:
            unread += min(replica.unread_tokens for replica in self.replicas)
        return self.throughput.first_token(unread)

    def first_byte_limit_s(self, unread: int) -> float:
        """How long a first byte may take: as the settings say, and longer where so long a prompt has to be read."""
        expected = self.first_token_s(unread) if self.zone == LOCAL else None
        return max(self.settings.first_byte_s, PATIENCE * (expected or 0.0))

    @asynccontextmanager
    async def place(
        self,
        agent: str,
        *,
        prefer: int | None = None,
        avoid: frozenset[int] = frozenset(),
        proved: str | None = None,
        until: float = math.inf,
        moved: Moved | None = None,
        may_go: Callable[[], bool] = stays_here,
    ) -> AsyncIterator[Replica]:
        """Hold one place at the replica that is to be called; `prefer`, `avoid` and `proved` are `Replicas.pick`'s,
        `until`, `moved` and `may_go` are `ConcurrencyLimiter.place`'s.

        Raises QueueFull at once where too many wait already, and EngineError where none is proved to be local.
        """
        wait_s = self.wait_s(watched=moved is not None)
        async with self.limiter.place(agent, retry_after_s=wait_s, until=until, moved=moved, may_go=may_go):
            replica = self.replicas.pick(parallel=self.settings.parallel, prefer=prefer, avoid=avoid, proved=proved)
            if replica is None:
                raise EngineError(f"{self.name} is no longer proved to be local: ask again", kind="unavailable")
            replica.in_flight += 1
            try:
                yield replica
            finally:
                replica.in_flight -= 1

    def exclude(self, replica: int, why: str) -> None:
        """Send nothing to one address, by its place among the engine's, until the core starts anew."""
        next(each for each in self.replicas if each.index == replica).missing = why
        self.changed()

    def forget_failures(self) -> bool:
        """Send calls as if none had failed before; False where none had."""
        forgotten = [replica.breaker.forget() for replica in self.replicas]
        failed = any(forgotten) or self._failing is not None or self._full is not None
        self.unserved.clear()
        self._failing = self._full = None
        self.first_bytes.forget()
        self.limiter.restore()
        self.changed()
        return failed

    def observe(self, readings: Sequence[RuntimeReading]) -> None:
        """Take in what its servers report, one reading for each replica."""
        first = any(replica.reading is None for replica in self.replicas)
        for replica, reading in zip(self.replicas, readings, strict=False):
            replica.observe(reading)
        shown = (self._health(), self._reported_waiting())
        if first or shown != self._shown:
            self._shown = shown
            self.changed()

    def remember_prompt(
        self,
        call: Call,
        chain: Sequence[int],
        replica: Replica,
        *,
        tokens: int,
        cached: int | None,
        counted: bool,
        session: str = "",
    ) -> None:
        """The engine has read the prompt of a call: `tokens` in all, `cached` of them from its own prefix cache, None
        where an explicit cache was read instead.

        `counted`: it says so itself, of the very messages that `chain` stands for.
        """
        prefixes = self.prefixes
        if cached is not None:
            prefixes.learn(prefixes.find(call.model, chain[:-1]), cached, session)
        if self.read_rates is not None:
            self.read_rates.read(session)
        ends = lengths(call) if len(call.messages) <= SEARCHED else ()
        prefixes.read(call.model, chain, tokens=tokens, replica=replica.index, counted=counted, lengths=ends)

    def state(self) -> EngineState:
        limiter, breaker, can = self.limiter, self.breaker, self.profile(self.model).can
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
            since=breaker.since,
            in_flight=limiter.in_flight,
            waiting=limiter.waiting,
            waiting_by_agent=limiter.waiting_by_agent(),
            parallel=limiter.parallel,
            predicted_wait_s=self.wait_s(),
            tokens_per_s=self.tokens_per_s(),
            reported_waiting=self._reported_waiting(),
            stopped=self.stopped,
            draining=self.draining,
            quota=self.quota.states() if self.zone == CLOUD else (),
            reopens_at=breaker.reopens_at(),
            window=can.context if can.window_known else None,
            answered_at=self.answered_at,
            silent_s=self.silent_s(),
            usual_s=self.first_bytes.usual_s or self.throughput.first_token_s,
            oldest_wait_s=limiter.oldest_wait_s(),
            will_miss=self.will_miss(),
            failing_since=self._failing.since if self._failing else None,
        )

    def _breaker_changed(self) -> None:
        """The places of a replica that is down are not given to the others."""
        usable = self.replicas.usable_count
        self.limiter.limit_to(self.settings.parallel * (usable or len(self.replicas)))
        self.changed()

    def _health(self) -> tuple[Health, str]:
        """Its health, and why in a line: first by its calls, then by what it reports."""
        if self.missing:
            return "down", self.missing
        health, why = self.replicas.health
        if health in ("down", "degraded"):
            return health, why
        readings = [replica.reading for replica in self.replicas if replica.reading is not None]
        if gone := [reading for reading in readings if not reading.reachable]:
            some = f"{len(gone)} of {len(self.replicas)} replicas down: {gone[0].detail}"
            return ("down", gone[0].detail) if len(gone) == len(readings) else ("degraded", some)
        if self._failing is not None:
            return "degraded", self._failing.how
        if self.limiter.parallel < self.parallel:
            return "degraded", f"busy, {self.limiter.parallel} of {self.parallel} at once"
        return ("up" if readings else health), ""

    def _reported_waiting(self) -> int | None:
        known = [
            replica.reading.waiting
            for replica in self.replicas
            if replica.reading is not None and replica.reading.waiting is not None
        ]
        return sum(known) if known else None
