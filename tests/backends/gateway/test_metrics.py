import re

from backends.events import RequestRefused, Resync
from backends.gateway import metrics
from backends.gateway.metrics import Counters, gauges
from backends.types import EngineState, Message, QuotaLimit, QuotaState, Request
from tests.backends.gateway.running_gateway import RunningGateway
from tests.backends.gateway.scripted_core import AT, outcome, snapshot

ASK = b'{"model":"scout","messages":[{"role":"user","content":"hi"}]}'

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\\]*(\\.[^"\\]*)*"(,[a-z_]+="[^"\\]*(\\.[^"\\]*)*")*\})? [0-9.]+')


async def scrape(gateway: RunningGateway) -> list[str]:
    status, headers, body = await (await gateway.dial(gateway.get("/metrics"))).answer()
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    return body.decode().splitlines()


async def test_what_happened_is_counted_and_what_is_stands_beside_it(gateway: RunningGateway) -> None:
    for _ in range(2):
        assert (await (await gateway.dial(gateway.post(ASK))).answer())[0] == 200
    await (await gateway.dial(gateway.post(b"{"))).answer()
    gateway.core.bus.publish(RequestRefused(at=AT, id="x", agent="scout", rule="budget", message="spent"))
    gateway.core.bus.publish(Resync())
    assert (await (await gateway.dial(gateway.post(ASK))).answer())[0] == 200
    lines = await scrape(gateway)
    for line in (
        'claw_requests_total{agent="scout",engine="local",zone="local",finish="stop"} 3',
        'claw_cost_usd_total{agent="scout",engine="local",zone="local"} 0.000369',
        'claw_tokens_total{agent="scout",engine="local",zone="local",kind="output"} 21',
        'claw_refused_total{agent="",reason="invalid_json"} 1',
        'claw_refused_total{agent="scout",reason="budget"} 1',
        "claw_events_lost_total 1",
        'claw_waiting{engine="cloud",zone="cloud"} 3',
        'claw_budget_reserved_usd{scope="all",window="day"} 0.5',
        'claw_engine_up{engine="local",zone="local"} 1',
        'claw_engine_info{engine="cloud",zone="cloud",kind="gemini",model="gemini-3.5-flash-lite"} 1',
    ):
        assert line in lines, line
    assert not [line for line in lines if line.startswith('claw_engine_up{engine="cloud"')]
    assert [line for line in lines if not line.startswith("#") and not LINE.fullmatch(line)] == []


def test_an_unknown_agent_and_too_many_series_count_as_other() -> None:
    counters = Counters(("scout",), {})
    request = Request(id="x", agent='who"\\\n', messages=(Message(role="user", text="hi"),))
    counters.settled(outcome(request))
    for number in range(metrics.SERIES + 10):
        counters.refused("scout", f"reason {number}")
    lines = list(counters.lines())
    assert 'claw_requests_total{agent="other",engine="local",zone="local",finish="stop"} 1' in lines
    assert 'claw_refused_total{agent="other",reason="other"} 10' in lines
    assert len([line for line in lines if line.startswith("claw_refused_total")]) == metrics.SERIES + 1


def test_s15_a_label_cannot_end_its_line() -> None:
    counters = Counters((), {})
    counters.refused("", 'a"} 1\nclaw_cost_usd_total 9\x1b\\')
    assert list(counters.lines())[-1] == 'claw_refused_total{agent="",reason="a\\"} 1?claw_cost_usd_total 9?\\\\"} 1'


def test_without_spend_there_are_no_budget_lines() -> None:
    assert not [line for line in gauges(snapshot(spend=None)) if "budget" in line]


def test_what_the_provider_counts_is_there_by_model_and_window() -> None:
    limits = (
        QuotaLimit(window="day", metric="requests", limit=1_500, at=AT),
        QuotaLimit(window="minute", metric="input_tokens", limit=None, at=AT),
    )
    quota = QuotaState(model="gemini-x", minute_requests=2, day_requests=30, day_input_tokens=4_000, limits=limits)
    engine = EngineState(name="cloud", zone="cloud", kind="gemini", model="gemini-x", label="Gemini", quota=(quota,))
    lines = list(gauges(snapshot(engines=(engine,))))
    assert 'claw_quota_requests{engine="cloud",zone="cloud",model="gemini-x",window="minute"} 2' in lines
    assert 'claw_quota_requests{engine="cloud",zone="cloud",model="gemini-x",window="day"} 30' in lines
    assert 'claw_quota_input_tokens{engine="cloud",zone="cloud",model="gemini-x",window="day"} 4000' in lines
    assert [line for line in lines if line.startswith("claw_quota_limit")] == [
        'claw_quota_limit{engine="cloud",zone="cloud",model="gemini-x",window="day",metric="requests"} 1500'
    ]
    assert [line for line in lines if not line.startswith("#") and not LINE.fullmatch(line)] == []
