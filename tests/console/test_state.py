"""The state's reduction: what each event changes, and what no sequence of events may break."""

import string
from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backends import events
from backends.types import Acted, Action, AgentState, Alert, CacheStats, Exchange, GpuReading, InFlight, RuntimeReading
from console.state import EXCHANGES_KEPT, HISTORY_KEPT, CoreConnection, ViewState, adopt, connect, mark_stale, reduce
from tests.console.scene import engines, snapshot, spend
from tests.console.scene_exchanges import NOW, exchange, exchanges, explained, settled

ALERT = Alert(key="disk", id="disk", since=NOW, severity="critical", text="the disk is full")
FLYING = InFlight(id="req-002", agent="infra", engine="local", zone="local", model="m", stage="called", started_at=NOW)


def scene() -> ViewState:
    return adopt(ViewState(connection=CoreConnection(phase="live")), snapshot())


def test_a_snapshot_replaces_everything_but_the_connection() -> None:
    state = scene()
    assert state.live
    assert state.exchanges == exchanges()
    assert state.engine("cloud") is not None
    assert state.engine("nowhere") is None


def test_a_decision_is_appended_and_a_failover_keeps_its_place() -> None:
    state = scene()
    told = explained("ada", "local", "analysis", 0.5, ("failover", "cloud down"))
    state = reduce(state, events.Decided(exchange=Exchange(id="new", at=NOW, explanation=told)))
    assert state.exchanges[-1].id == "new"
    again = Exchange(id="req-007", at=NOW, explanation=told)
    moved = reduce(state, events.Decided(exchange=again))
    assert [each.id for each in moved.exchanges] == [each.id for each in state.exchanges]
    assert moved.exchanges[moved.exchanges.index(again)].explanation is told


def test_an_end_is_put_to_its_exchange_and_takes_it_out_of_the_air() -> None:
    state = reduce(scene(), events.Progressed(in_flight=FLYING))
    ended = settled("req-001", state.exchanges[-1].explanation, NOW, ms=12.0)
    state = reduce(state, events.Settled(outcome=ended))
    assert state.exchanges[-1].outcome is ended
    assert [call.id for call in state.in_flight] == ["req-002"]
    unknown = msgspec.structs.replace(ended, id="never-seen")
    assert reduce(state, events.Settled(outcome=unknown)).exchanges == state.exchanges


def test_a_call_in_the_air_is_there_once() -> None:
    state = reduce(scene(), events.Progressed(in_flight=FLYING))
    later = msgspec.structs.replace(FLYING, stage="streaming")
    state = reduce(state, events.Progressed(in_flight=later))
    assert [call.stage for call in state.in_flight if call.id == "req-002"] == ["streaming"]
    refused = events.RequestRefused(at=NOW, id="req-002", agent="infra", rule="budget", message="no")
    state = reduce(state, refused)
    assert "req-002" not in {call.id for call in state.in_flight}
    assert state.refusals == (refused,)


def test_an_alert_is_replaced_by_its_key_and_cleared_by_it() -> None:
    state = reduce(scene(), events.AlertRaised(alert=ALERT))
    state = reduce(state, events.AlertRaised(alert=msgspec.structs.replace(ALERT, text="fuller")))
    assert [alert.text for alert in state.alerts if alert.key == "disk"] == ["fuller"]
    ended = msgspec.structs.replace(ALERT, state="cleared", ended_at=NOW)
    state = reduce(state, events.AlertCleared(key="disk", alert=ended))
    assert "disk" not in {alert.key for alert in state.alerts}
    assert state.past_alerts == (ended,)


def test_an_action_sets_the_agents_and_the_stop() -> None:
    acted = Acted(at=NOW, action=Action(verb="pin", actor="t", agent="ada", engine="local"), detail="pinned")
    agents = (AgentState(name="ada", policy="auto", pinned="local", paused=True),)
    state = reduce(scene(), events.ActionDone(acted=acted, cloud_stopped=True, agents=agents))
    assert state.cloud_stopped
    assert state.agents == agents


def test_samples_replace_and_are_fresh_again() -> None:
    state = msgspec.structs.replace(scene(), stale=frozenset({"gpu", "host", "runtime"}))
    gpu = GpuReading(at=NOW, state="no-gpu")
    host = msgspec.structs.replace(state.host, cpu_pct=99.0) if state.host else None
    assert host is not None
    runtime = RuntimeReading(at=NOW, reachable=False)
    for event in (
        events.GpuSampled(reading=gpu),
        events.HostSampled(reading=host),
        events.RuntimeSampled(engine="local", reading=runtime),
        events.SpendSampled(spend=spend()),
        events.CacheSampled(stats=CacheStats(lookups=1)),
        events.EngineSampled(engine=msgspec.structs.replace(engines()[0], health="down")),
        events.EngineSampled(engine=msgspec.structs.replace(engines()[0], name="cloud", label="another")),
    ):
        state = reduce(state, event)
    assert state.stale == frozenset()
    assert (state.gpu, state.host, state.runtime) == (gpu, host, runtime)
    assert [engine.health for engine in state.engines] == ["down", "up"]
    assert state.cache == CacheStats(lookups=1)


def test_an_engine_seen_for_the_first_time_is_added() -> None:
    state = reduce(ViewState(), events.EngineSampled(engine=engines()[1]))
    assert [engine.name for engine in state.engines] == ["cloud"]


def test_a_history_step_moves_every_series() -> None:
    state = msgspec.structs.replace(scene(), history={"a": (1.0,) * HISTORY_KEPT, "b": (2.0,)})
    state = reduce(state, events.HistoryAdvanced(points={"a": 3.0, "c": 4.0}))
    assert len(state.history["a"]) == HISTORY_KEPT
    assert state.history["a"][-1] == 3.0
    assert state.history["b"] == (2.0, None)
    assert state.history["c"] == (4.0,)


def test_resync_leaves_the_state_to_the_snapshot() -> None:
    state = scene()
    assert reduce(state, events.Resync()) == state


def test_old_samples_are_named_and_an_unchanged_state_is_the_same_object() -> None:
    state = scene()
    assert mark_stale(state, NOW + timedelta(seconds=5), 15.0) is state
    old = mark_stale(state, NOW + timedelta(seconds=16), 15.0)
    assert old.stale == {"gpu", "host", "runtime"}
    assert mark_stale(ViewState(), NOW, 15.0).stale == frozenset()


def test_connecting_changes_the_connection_alone() -> None:
    state = scene()
    assert connect(state, CoreConnection(phase="lost")).exchanges is state.exchanges


IDS = st.sampled_from([f"req-{number:03d}" for number in range(1, 16)])
KEYS = st.sampled_from(list(string.ascii_lowercase[:4]))
EVENTS = st.one_of(
    st.builds(
        lambda id: events.Decided(exchange=msgspec.structs.replace(exchange(1, "ada", "local", "x", 0.1), id=id)), IDS
    ),
    st.builds(lambda id: events.Progressed(in_flight=msgspec.structs.replace(FLYING, id=id)), IDS),
    st.builds(
        lambda id: events.Settled(outcome=settled(id, explained("ada", "cloud", "x", 0.1), NOW, ms=1.0, cost="0.1")),
        IDS,
    ),
    st.builds(lambda id: events.RequestRefused(at=NOW, id=id, agent="a", rule="budget", message="no"), IDS),
    st.builds(lambda key: events.AlertRaised(alert=msgspec.structs.replace(ALERT, key=key)), KEYS),
    st.builds(lambda key: events.AlertCleared(key=key), KEYS),
    st.builds(lambda name: events.HistoryAdvanced(points={name: 1.0}), KEYS),
    st.builds(lambda name: events.EngineSampled(engine=msgspec.structs.replace(engines()[0], name=name)), KEYS),
)


@given(st.lists(EVENTS, max_size=60))
def test_no_sequence_of_events_breaks_the_state(sequence: list[events.Event]) -> None:
    state = scene()
    for event in sequence:
        state = reduce(state, event)
    for names in (
        [each.id for each in state.exchanges],
        [call.id for call in state.in_flight],
        [alert.key for alert in state.alerts],
        [engine.name for engine in state.engines],
    ):
        assert len(names) == len(set(names))
    lengths = {len(series) for series in state.history.values()}
    assert max(lengths, default=0) <= HISTORY_KEPT


def test_exchanges_are_bounded() -> None:
    state = ViewState()
    told = explained("ada", "local", "x", 0.1)
    for number in range(EXCHANGES_KEPT + 20):
        state = reduce(state, events.Decided(exchange=Exchange(id=str(number), at=NOW, explanation=told)))
    assert len(state.exchanges) == EXCHANGES_KEPT
    assert state.exchanges[-1].id == str(EXCHANGES_KEPT + 19)
    assert state.exchanges[0].id == "20"
