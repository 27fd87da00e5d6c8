"""What is remembered of sessions, and for how long."""

from decimal import Decimal

from msgspec.structs import replace

from backends.bus import Bus
from backends.clock import ManualClock
from backends.envelope.loop_detector import Loop
from backends.envelope.sessions import KEPT, RunFacts, Sessions
from backends.routing.decide import NEW_SESSION
from backends.types import Attempt, Outcome, PrefixUse, Request, Tokens
from tests.backends.envelope.conversations import commands, conversation

LOOP = Loop(signature=7, count=3, phrase="same call 3 ×")


def known(clock: ManualClock) -> Sessions:
    return Sessions(lambda text: f"{hash(text) & (1 << 64) - 1:016x}", clock=clock, bus=Bus())


def named(request: Request, session: str = "one") -> Request:
    return replace(request, session=session)


def outcome(request: Request, usd: str = "0.001", engine: str = "cloud") -> Outcome:
    tokens, cost = Tokens(input=1000, output=50, cached_input=400), Decimal(usd)
    return Outcome(
        id=request.id,
        agent=request.agent,
        started_at=ManualClock().now(),
        source="gateway",
        engine=engine,
        zone="cloud",
        model="m",
        intent="chat",
        complexity=0.5,
        sensitive=False,
        reasons=(),
        cache="miss",
        tokens=tokens,
        cost_usd=cost,
        baseline_usd=2 * cost,
        ttft_ms=1.0,
        latency_ms=2.0,
        finish="stop",
        attempts=(Attempt(engine=engine, zone="cloud", model="m", tokens=tokens, cost_usd=cost),),
    )


def turn(sessions: Sessions, request: Request, *, hard: bool = False, usd: str = "0.001") -> None:
    sessions.begin(request)
    sessions.settled(request, outcome(request, usd), RunFacts(window=32_000, hard=hard))


def test_a_session_sums_its_turns() -> None:
    sessions = known(ManualClock())
    ask, goes_on = named(conversation()), named(conversation(commands(("ls", "a"))))
    sessions.begin(ask)
    assert sessions.current()[0].in_flight == 1
    sessions.settled(ask, outcome(ask), RunFacts(window=32_000, hard=True))
    turn(sessions, goes_on)
    (state,) = sessions.current()
    assert (state.turns, state.asks, state.in_flight) == (2, 1, 0)
    assert (state.input_tokens, state.cached_input_tokens, state.output_tokens) == (2000, 800, 100)
    assert (state.cost_usd, state.baseline_usd) == (Decimal("0.002"), Decimal("0.004"))
    assert (state.engine, state.engines, state.context_tokens, state.window) == ("cloud", ("cloud",), 1000, 32_000)


def test_a_session_sums_what_prefix_caches_had_and_what_no_engine_said() -> None:
    sessions = known(ManualClock())
    request = named(conversation())
    told, silent = PrefixUse(known_tokens=1000, cached_tokens=400), PrefixUse(unknown_tokens=1000)
    for use in (told, silent, told):
        sessions.settled(request, outcome(request), RunFacts(prefix=use))
    sessions.settled(request, outcome(request))
    (state,) = sessions.current()
    assert state.prefix == told + silent + told
    assert state.prefix.share == 0.4


def test_a_view_says_what_a_decision_needs() -> None:
    clock = ManualClock()
    sessions = known(clock)
    ask, goes_on = named(conversation()), named(conversation(commands(("ls", "a"))))
    assert sessions.view(ask) == NEW_SESSION
    turn(sessions, ask, hard=True)
    turn(sessions, goes_on)
    clock.advance(90)
    view = sessions.view(ask)
    assert (view.engine, view.continues, view.read_tokens) == ("cloud", False, 1000)
    assert (view.turns_per_ask, view.hard_share, view.ask_every_s) == (2.0, 1.0, 90.0)
    assert sessions.view(goes_on).continues


def test_a_failed_turn_leaves_the_engine_as_it_was() -> None:
    sessions = known(ManualClock())
    request = named(conversation())
    turn(sessions, request)
    sessions.begin(request)
    failed = replace(outcome(request, engine="local"), finish="error", error="down")
    sessions.settled(request, failed, RunFacts())
    assert sessions.view(request).engine == "cloud"


def test_two_agents_may_use_one_id() -> None:
    sessions = known(ManualClock())
    turn(sessions, named(conversation(agent="coding")))
    assert sessions.view(named(conversation(agent="writer"))) == NEW_SESSION


def test_sessions_are_bounded_in_number_and_age() -> None:
    clock = ManualClock()
    sessions = known(clock)
    for number in range(KEPT + 50):
        turn(sessions, named(conversation(), f"s{number}"))
    assert sessions.view(named(conversation(), "s49")) == NEW_SESSION
    assert sessions.view(named(conversation(), "s50")) != NEW_SESSION
    assert len(sessions.current()) == 200
    clock.advance(3601)
    assert sessions.current() == ()
    clock.advance(86_400)
    turn(sessions, named(conversation(), "new"))
    assert sessions.view(named(conversation(), "s99")) == NEW_SESSION


def test_a_session_comes_back_after_any_time() -> None:
    clock = ManualClock()
    sessions = known(clock)
    turn(sessions, named(conversation()))
    clock.advance(200_000)
    turn(sessions, named(conversation()))
    assert len(sessions.current()) == 1


def test_a_resumed_loop_may_go_round_twice_as_often_and_a_few_times_more() -> None:
    sessions = known(ManualClock())
    request = named(conversation())
    assert sessions.goes_round(request, LOOP, repeats=3)
    sessions.pause("coding", "one", LOOP.phrase, LOOP)
    assert sessions.paused("coding", "one") == LOOP.phrase
    sessions.resume("coding", "one")
    assert sessions.paused("coding", "one") == ""
    assert not sessions.goes_round(request, replace(LOOP, count=8), repeats=3)
    assert sessions.goes_round(request, replace(LOOP, count=9), repeats=3)
    assert sessions.goes_round(request, replace(LOOP, signature=8), repeats=3)


def test_an_ended_session_that_is_resumed_after_all_goes_on() -> None:
    sessions = known(ManualClock())
    sessions.pause("coding", "one", LOOP.phrase, LOOP)
    sessions.pause("coding", "one", "by the operator")
    sessions.resume("coding", "one")
    assert not sessions.goes_round(named(conversation()), LOOP, repeats=3)


def test_the_rate_of_spending_is_that_of_the_last_minutes() -> None:
    clock = ManualClock()
    sessions = known(clock)
    request = named(conversation())
    for _ in range(6):
        turn(sessions, request, usd="0.20")
        clock.advance(60)
    assert sessions.usd_per_hour(request) == Decimal("12.00")
    clock.advance(361)
    assert sessions.usd_per_hour(request) == 0


def test_a_word_finds_a_session_by_its_id_or_its_beginning() -> None:
    sessions = known(ManualClock())
    for id in ("abc", "abcd", "xyz"):
        turn(sessions, named(conversation(), id))
    assert [state.id for state in sessions.matching("abc")] == ["abc"]
    assert [state.id for state in sessions.matching("ab")] == ["abc", "abcd"]
    assert sessions.matching("q") == ()
