"""Sessions: requests that share a conversation, what they have used, and which of them are paused."""

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from backends import events
from backends.bus import Bus
from backends.clock import Clock
from backends.envelope.loop_detector import Loop
from backends.envelope.session_name import run_name, session_name
from backends.routing.decide import NEW_SESSION, SessionView
from backends.types import CACHE, ZERO, Outcome, PrefixUse, Request, SessionState

KEPT = 1_000
"""Sessions that are known at once, about a kilobyte each; of more, those that were used last."""

KEPT_S = 86_400.0
LISTED = timedelta(hours=1)
LISTED_MOST = 200

SPEND_S = 360.0
"""Over how long the rate of spending is measured."""

SPENDINGS = 256
"""Costs of turns that are kept for it; of more within that time, the newest."""

WEIGHT = 0.3
"""The newest pause's weight in the usual time from one ask to the next."""

LOOPS = 16
"""Loops of one session that an operator has let go on, and that are remembered."""


class RunFacts(Struct, frozen=True, kw_only=True):
    """What the outcome of a settled request does not say: its model's window in tokens, None where that is not known,
    whether no local engine was expected to answer well, and what the engines' prefix caches had of it.
    """

    window: int | None = None
    hard: bool = False
    prefix: PrefixUse = PrefixUse()


class _Session(Struct, kw_only=True):
    """`used_at` and `asked_at` are in seconds of clock.monotonic; `let_on` is how often each loop had gone round when
    it was let go on.
    """

    state: SessionState
    used_at: float
    asked_at: float | None = None
    ask_every_s: float | None = None
    hard_asks: int = 0
    spent: deque[tuple[float, Decimal]] = field(default_factory=lambda: deque(maxlen=SPENDINGS))
    loop: Loop | None = None
    let_on: OrderedDict[int, int] = field(default_factory=OrderedDict)


class Sessions:
    """Those since the core started. `key` hashes a text with a key of this install; used on the event loop only, but
    for `named`.
    """

    def __init__(self, key: Callable[[str], str], *, clock: Clock, bus: Bus) -> None:
        self._key = key
        self._clock = clock
        self._bus = bus
        self._known: OrderedDict[tuple[str, str], _Session] = OrderedDict()

    def named(self, request: Request) -> Request:
        """The request with the names of its session and its run, as they may be shown and stored."""
        return replace(request, session=session_name(request, self._key), run=run_name(request, self._key))

    def view(self, request: Request) -> SessionView:
        """What counts of the request's session for where it goes."""
        session = self._known.get((request.agent, request.session))
        if session is None or session.state.engine is None:
            return NEW_SESSION
        state, asks = session.state, max(1, session.state.asks)
        continues = _continues(request)
        return SessionView(
            engine=state.engine,
            continues=continues,
            read_tokens=state.context_tokens or 0,
            turns_per_ask=max(1.0, state.turns / asks),
            hard_share=session.hard_asks / asks,
            ask_every_s=session.ask_every_s if continues else self._ask_every_s(session),
        )

    # ---- a request's way ----------------------------------------------------------------------------------------

    def begin(self, request: Request) -> None:
        """An engine is called for the request; `settled` follows."""
        session = self._use(request)
        if not _continues(request):
            session.ask_every_s, session.asked_at = self._ask_every_s(session), self._clock.monotonic()
        self._change(session, in_flight=session.state.in_flight + 1)

    def settled(self, request: Request, outcome: Outcome, turn: RunFacts | None = None) -> None:
        """A request has ended; `turn` is given where `begin` was called. Shadow calls are nobody's turns."""
        if outcome.source == "shadow":
            return
        session = self._use(request)
        state, asks = session.state, not _continues(request)
        if outcome.cost_usd:
            session.spent.append((self._clock.monotonic(), outcome.cost_usd))
        session.hard_asks += asks and turn is not None and turn.hard
        self._change(
            session,
            turns=state.turns + 1,
            asks=state.asks + asks,
            in_flight=max(0, state.in_flight - (turn is not None)),
            input_tokens=state.input_tokens + outcome.tokens.input,
            prefix=state.prefix + turn.prefix if turn is not None else state.prefix,
            cached_input_tokens=state.cached_input_tokens + outcome.tokens.cached_input,
            output_tokens=state.output_tokens + outcome.tokens.output + outcome.tokens.thinking,
            cost_usd=state.cost_usd + outcome.cost_usd,
            baseline_usd=state.baseline_usd + outcome.baseline_usd,
            **_answered(state, outcome, turn),
        )

    # ---- pauses -------------------------------------------------------------------------------------------------

    def paused(self, agent: str, id: str) -> str:
        """Why a session is paused, in a phrase; "" where it is not."""
        session = self._known.get((agent, id))
        return "" if session is None else session.state.paused

    def pause(self, agent: str, id: str, phrase: str, loop: Loop | None = None) -> None:
        """Pause a session, for `loop` where one was found."""
        session = self._find(agent, id)
        session.loop = loop or session.loop
        self._change(session, paused=phrase)

    def resume(self, agent: str, id: str) -> None:
        """A loop for which it was paused may go on until it has gone round twice as often, and a few times more; what
        was spent so far counts no more.
        """
        session = self._find(agent, id)
        if session.loop is not None:
            session.let_on[session.loop.signature] = session.loop.count
            while len(session.let_on) > LOOPS:
                session.let_on.popitem(last=False)
        session.loop = None
        session.spent.clear()
        self._change(session, paused="")

    def begins_anew(self, request: Request) -> bool:
        """Was its session paused for a loop, of which this request has nothing, as it has no answer in it?

        Conversations that begin alike have one name where their client gives them none.
        """
        session = self._known.get((request.agent, request.session))
        if session is None or session.loop is None or not session.state.paused:
            return False
        return all(message.role not in ("assistant", "tool") for message in request.messages)

    def begin_anew(self, request: Request) -> None:
        """The session is no longer paused, and what was found of its earlier conversation is forgotten."""
        session = self._find(request.agent, request.session)
        session.loop = None
        self._change(session, paused="")

    def goes_round(self, request: Request, loop: Loop, repeats: int) -> bool:
        """Is it to be paused for this loop, or has it been let go on?"""
        session = self._known.get((request.agent, request.session))
        let_on = 0 if session is None else session.let_on.get(loop.signature, 0)
        return not let_on or loop.count >= 2 * let_on + repeats

    def usd_per_hour(self, request: Request) -> Decimal:
        """How fast its session has spent lately."""
        session = self._known.get((request.agent, request.session))
        if session is None:
            return ZERO
        since = self._clock.monotonic() - SPEND_S
        return sum((usd for at, usd in session.spent if at >= since), ZERO) * int(3600 / SPEND_S)

    def matching(self, word: str) -> tuple[SessionState, ...]:
        """The sessions that have this id, else those whose id begins so."""
        states = tuple(session.state for session in self._known.values())
        same = tuple(state for state in states if state.id == word)
        return same or tuple(state for state in states if state.id.startswith(word))

    # ---- for watchers -------------------------------------------------------------------------------------------

    def current(self) -> tuple[SessionState, ...]:
        """Those of the last hour, those that run and those that are paused, the last used first."""
        since = self._clock.now() - LISTED
        states = (session.state for session in reversed(self._known.values()))
        listed = [state for state in states if state.last_at >= since or state.in_flight or state.paused]
        return tuple(listed[:LISTED_MOST])

    def _ask_every_s(self, session: _Session) -> float | None:
        """The usual seconds from one ask to the next, if one came now."""
        if session.asked_at is None:
            return None
        newest, usual = self._clock.monotonic() - session.asked_at, session.ask_every_s
        return newest if usual is None else usual + WEIGHT * (newest - usual)

    def _use(self, request: Request) -> _Session:
        session = self._find(request.agent, request.session)
        state, envelope = session.state, request.envelope
        client = state.client or (envelope.client if envelope else "") or request.user_agent.partition("/")[0][:40]
        session.state = replace(state, client=client, run=request.run or state.run, last_at=self._clock.now())
        return session

    def _find(self, agent: str, id: str) -> _Session:
        """The session, which is a new one where it is not known. Those that are too old or too many are forgotten."""
        now = self._clock.monotonic()
        session = self._known.get((agent, id))
        if session is None:
            at: datetime = self._clock.now()
            state = SessionState(id=id, agent=agent, started_at=at, last_at=at)
            session = self._known[agent, id] = _Session(state=state, used_at=now)
        session.used_at = now
        self._known.move_to_end((agent, id))
        oldest = next(iter(self._known.values()))
        while len(self._known) > KEPT or oldest.used_at < now - KEPT_S:
            self._known.popitem(last=False)
            oldest = next(iter(self._known.values()))
        return session

    def _change(self, session: _Session, **fields: object) -> None:
        session.state = replace(session.state, **fields)
        self._bus.publish(events.SessionSampled(session=session.state))


def _continues(request: Request) -> bool:
    return request.envelope is not None and request.envelope.continues


def _answered(state: SessionState, outcome: Outcome, turn: RunFacts | None) -> dict[str, object]:
    """Which engine answered and what it read, where one did."""
    read = [attempt.tokens.input for attempt in outcome.attempts if attempt.role == "answer"]
    if outcome.error is not None or outcome.engine == CACHE or turn is None or not read:
        return {}
    return {
        "engine": outcome.engine,
        "zone": outcome.zone,
        "model": outcome.model,
        "engines": state.engines if outcome.engine in state.engines else (*state.engines, outcome.engine),
        "context_tokens": read[-1] or None,
        "window": turn.window,
    }
