"""The runtime and routing panes and the evidence of a decision, as pure text."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from backends.types import GpuReading, QuotaLimit, QuotaState
from console.overlays.why import why
from console.panes.routing_pane import RoutingView, routing_body
from console.panes.runtime_pane import runtime_rows
from console.present.candidates import candidate_rows
from console.present.decision_rows import answer_shares, matching
from console.present.spans import Row
from console.state import CoreConnection, ViewState, adopt
from tests.console.scene import engines, gpus, six_engines, snapshot
from tests.console.scene import spend as money
from tests.console.scene_exchanges import CUT, NOW, exchange, exchanges

LIVE = CoreConnection(phase="live", mode="embedded", label="this process")


def scene(**changes: Any) -> ViewState:
    return adopt(ViewState(connection=LIVE), snapshot(**changes))


def replace(state: ViewState, **changes: Any) -> ViewState:
    return msgspec.structs.replace(state, **changes)


def text(rows: list[Row] | Row) -> str:
    lines = [rows] if isinstance(rows, tuple) else rows
    return "\n".join("".join(span.text for span in line) for line in lines)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("no-gpu", "no GPU"),
        ("no-driver", "no NVIDIA driver"),
        ("no-permission", "no permission"),
        ("lost", "the GPU is gone"),
        ("stalled", "does not answer"),
        ("failed", "cannot be read"),
        ("off", "telemetry.gpu is false"),
    ],
)
def test_each_reason_for_no_gpu_has_its_face(state: Any, says: str) -> None:
    drawn = text(runtime_rows(scene(gpu=GpuReading(at=NOW, state=state, detail="what to do")), 60))
    assert says in drawn
    assert "what to do" in drawn


def test_what_the_provider_counts_and_when_its_day_begins_stand_under_the_cloud() -> None:
    local, cloud = engines()
    limit = QuotaLimit(window="day", metric="requests", limit=1_500, at=NOW)
    quota = QuotaState(
        model="gemini-x", minute_requests=2, day_requests=1_234, day_input_tokens=56_789, limits=(limit,)
    )
    cloud = msgspec.structs.replace(cloud, quota=(quota,), reopens_at=NOW)
    drawn = " ".join(text(runtime_rows(scene(engines=(local, cloud)), 200)).split())
    assert "gemini-x: 1,234 of 1,500 calls today, 2 in the last minute, 56,789 tokens read" in drawn
    assert "daily quota resets at" in drawn


def test_several_gpus_are_each_shown() -> None:
    drawn = text(runtime_rows(scene(gpu=gpus(count=3)), 60))
    assert [f"gpu {index}" in drawn for index in range(3)] == [True] * 3


def test_unknown_figures_of_a_gpu_are_dashes() -> None:
    bare = msgspec.structs.replace(
        gpus().gpus[0], utilisation_pct=None, memory_used_b=None, temperature_c=None, power_w=None, processes=None
    )
    drawn = text(runtime_rows(scene(gpu=GpuReading(at=NOW, state="ok", gpus=(bare,))), 60))
    assert "–/24.0 GB" in drawn
    assert "– °C" in drawn
    assert "processes –" in drawn


def test_stale_samples_say_since_when() -> None:
    state = replace(scene(), stale=frozenset({"gpu", "host", "runtime"}))
    assert text(runtime_rows(state, 60)).count("stale since 14:03:12") == 3


def test_the_runtime_pane_without_samples_is_loading() -> None:
    drawn = text(runtime_rows(scene(gpu=None, host=None, runtimes={}, engines=(), in_flight=()), 60))
    assert drawn.count("Loading…") == 3
    assert "no engine" in drawn


def test_queues_tell_who_waits_and_what_is_stopped() -> None:
    stopped = msgspec.structs.replace(engines()[1], stopped=True, reported_waiting=4)
    drawn = text(runtime_rows(scene(engines=(engines()[0], stopped)), 60))
    assert "scout 2 · writer 1" in drawn
    assert "~2.4 s" in drawn
    assert "stopped by the operator" in drawn
    assert "4 more in the engine's own queue" in drawn


def test_models_say_where_they_lie() -> None:
    model = snapshot().runtimes["local"]
    half = msgspec.structs.replace(model.models[0], vram_b=(model.models[0].size_b or 0) // 2)
    on_cpu = msgspec.structs.replace(half, vram_b=0)
    reading = msgspec.structs.replace(model, models=(half, on_cpu))
    drawn = text(runtime_rows(scene(runtimes={"local": reading}), 60))
    assert "50 % GPU" in drawn
    assert "CPU" in drawn
    none = text(runtime_rows(scene(runtimes={"local": msgspec.structs.replace(model, models=())}), 60))
    assert "none in memory" in none


def test_routing_tells_each_end() -> None:
    drawn = text(list(routing_body(scene(), RoutingView(), 130, 10).rows))
    assert "stream" in drawn  # in flight
    assert "✗cloud  the answer of" in drawn
    assert "cancelled" in drawn
    assert "≈$0.0009" in drawn
    assert "=alike" in drawn
    assert "context cut" in drawn


def test_agents_stand_above_the_stream_where_there_is_room_or_when_asked_for() -> None:
    assert "last decision" not in text(list(routing_body(scene(), RoutingView(), 100, 10).rows))
    assert "last decision" in text(list(routing_body(scene(), RoutingView(), 100, 30).rows))
    assert "last decision" in text(list(routing_body(scene(), RoutingView(agents=True), 100, 10).rows))


def test_an_agent_without_a_decision_says_so() -> None:
    drawn = text(list(routing_body(scene(recent=exchanges()[-2:]), RoutingView(agents=True), 100, 30).rows))
    assert "no request yet" in drawn


def test_the_filter_looks_into_everything_a_row_says() -> None:
    all_of_them = scene()
    assert [each.id for each in matching(all_of_them, "WRITER")] == ["req-003"]
    assert [each.id for each in matching(all_of_them, "semantic")] == ["req-010"]
    assert [each.id for each in matching(all_of_them, CUT[:20])] == ["req-007"]
    assert "No request matches" in text(list(routing_body(scene(), RoutingView(wanted="zzz"), 80, 20).rows))


def test_an_empty_stream_says_how_to_fill_it() -> None:
    drawn = text(list(routing_body(scene(recent=()), RoutingView(), 80, 20).rows))
    assert "No requests yet" in drawn
    assert "claw ask" in drawn
    assert answer_shares(scene(recent=())) == ()


def test_why_shows_the_evidence() -> None:
    drawn = text(why(exchanges()[-3], 92))
    for words in (
        "creative-writing .88 (next: rewriting .07)",
        "local answers well .61",
        "json, long-context",
        "quality: .61 < .80",
        "flips when",
        "all-cloud",
        "req-003",
    ):
        assert words in drawn, words
    assert "no answer yet" in text(why(exchanges()[-1], 92))


def test_why_lists_the_attempts_of_a_failover() -> None:
    from backends.types import Attempt

    tries = (
        Attempt(engine="cloud", zone="cloud", model="gemini-3.5-flash-lite", error="503 overloaded"),
        Attempt(engine="local", zone="local", model="qwen2.5:14b"),
    )
    failed = exchange(
        1, "ada", "local", "x", 0.2, ms=5.0, attempts=tries, notes=("failed over",), error="gone", estimated=True
    )
    drawn = text(why(failed, 92))
    assert "503 overloaded" in drawn
    assert "answered" in drawn
    assert "failed over" in drawn
    assert "the engine reported none" in drawn


def test_why_lists_every_candidate_and_marks_the_chosen_one() -> None:
    drawn = text(candidate_rows(exchanges()[-3].explanation, 120))
    head, chosen, local, cache = (" ".join(line.split()) for line in drawn.split("\n"))
    assert head == "engine model cost time quality ruled out by"
    assert chosen == "✓ ▐cloud gemini-3.5-flash-lite $0.0021 ~2.4 s .93 chosen"
    assert local == "▌local qwen2.5:14b 0 ~9.1 s .61 quality: .61 < .80"
    assert cache == "=cache 0 ~0.0 s – similarity: nearest .71, below .92"


def test_a_candidate_that_nothing_ruled_out_was_not_the_best() -> None:
    explanation = exchanges()[-3].explanation
    second = msgspec.structs.replace(explanation.alternatives[0], ruled_out_by=None, engine="e" * 80, model="m" * 80)
    for cells in (30, 60, 120):
        rows = candidate_rows(msgspec.structs.replace(explanation, alternatives=(second,)), cells)
        assert "possible, but not the best" in " ".join(text(rows).split())
        assert "e" * 17 not in text(rows)


@pytest.mark.parametrize("cells", [38, 42, 56, 76, 130])
def test_more_than_two_engines_are_a_line_each_with_what_is_wrong(cells: int) -> None:
    spent = msgspec.structs.replace(money(), by_engine={"cloud": Decimal("1.1")})
    drawn = text(runtime_rows(scene(engines=six_engines(), spend=spent), cells)).split("\n")
    local, cloud, small = (next(line for line in drawn if symbol in line) for symbol in ("▌local", "▐cloud", "▌small"))
    assert local.split()[:5] == ["●", "▌local", "2/2", "3", "38.1"]
    assert cloud.split()[:5] == ["◐", "▐cloud", "1/32", "0", "182.0"]
    assert small.split()[:5] == ["●", "▌small", "1/4", "0", "121.4"]
    assert drawn[drawn.index(cloud) + 1].strip().startswith("429 · 1 m")
    assert any("stopped by the operator" in line for line in drawn)
    assert any("ada 7 · scout 2 · writer 1" in line for line in drawn)
    if cells >= 42:
        assert cloud.split()[5] == "$1.10"
        assert local.split()[5] == "–", "nobody bills for an engine of one's own"


def test_the_queues_of_local_engines_are_one_line() -> None:
    history: dict[str, tuple[float | None, ...]] = {
        "queue.local": (0.0, 1.0, None),
        "queue.small": (3.0, None),
        "queue.cloud": (50.0,),
    }
    drawn = text(runtime_rows(scene(engines=six_engines(), history=history), 60))
    assert "  depth ▁█·" in drawn


def test_the_cursor_on_an_older_request_shows_its_candidates_where_there_is_room() -> None:
    view = RoutingView(chosen="req-003")
    tall, short = (routing_body(scene(), view, 100, room) for room in (40, 9))
    assert "quality: .61 < .80" in text(list(tall.below))
    assert short.below == []
    assert not routing_body(scene(), RoutingView(), 100, 40).below


def test_each_engine_has_its_models() -> None:
    local = snapshot().runtimes["local"]
    small = msgspec.structs.replace(local, models=(msgspec.structs.replace(local.models[0], name="qwen2.5:3b"),))
    idle = msgspec.structs.replace(local, models=())
    away = msgspec.structs.replace(local, reachable=False, detail="refused the connection")
    runtimes = {"local": local, "small": small, "idle": idle, "gpu-cluster-frankfurt-2": away}
    drawn = text(runtime_rows(scene(runtimes=runtimes), 60))
    assert "models  local  qwen2.5:14b" in drawn
    assert "        small  qwen2.5:3b" in drawn
    assert "        idle  none in memory" in drawn
    assert "○ gpu-cluster-f… does not answer" in drawn
