"""Two engines and six as pictures: header, panes, why and pin, narrow and wide, healthy, failing and away."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from backends.types import Alternative, EngineState
from console.state import CoreConnection, ViewState, connect
from tests.console.scene import engines, six_engines, spend
from tests.console.scene_exchanges import NOW, exchanges
from tests.snapshots.test_screens import Compare, Still, pressing, scene

SPEND = replace(spend(), by_engine={"cloud": Decimal("1.1"), "lite": Decimal("0.0031")})


def many(engines: tuple[EngineState, ...] = six_engines()) -> ViewState:
    """Six engines, and a decision among all of them."""
    return scene(engines=engines, spend=SPEND, recent=tuple(map(among_six, exchanges())))


def among_six(exchange: Any) -> Any:
    explanation = exchange.explanation
    if explanation.agent != "writer":
        return exchange
    others = tuple(
        Alternative(
            engine=engine.name,
            zone=engine.zone,
            model=engine.model,
            cost_usd=Decimal(cost),
            latency_ms=latency,
            quality=quality,
            ruled_out_by=rule,
            detail=detail,
        )
        for engine, (cost, latency, quality, rule, detail) in zip(
            six_engines()[2:],
            (
                ("0", 3100.0, 0.34, "quality", ".34 < .80"),
                ("0.0004", 900.0, 0.82, "stopped", "by the operator"),
                ("0.0009", None, None, "down", "OPENROUTER_API_KEY is not set: set it and start claw again"),
                ("0", 21_400.0, 0.81, "deadline", "about 21 s, deadline 20 s"),
            ),
            strict=True,
        )
    )
    local, cache = explanation.alternatives
    return replace(exchange, explanation=replace(explanation, alternatives=(local, *others, cache)))


def failing() -> ViewState:
    return many(tuple(replace(engine, health="down", detail="refused the connection") for engine in six_engines()))


def away() -> ViewState:
    return connect(many(), CoreConnection(phase="lost", mode="attached", since=NOW))


FACES = {"two": scene(engines=engines(), spend=SPEND), "six": many(), "failing": failing(), "away": away()}


@pytest.mark.parametrize("name", list(FACES))
@pytest.mark.parametrize("size", [(80, 24), (140, 40), (200, 60)], ids=["narrow", "medium", "wide"])
def test_engines(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(Still(FACES[name]), terminal_size=size, run_before=pressing("1"))


@pytest.mark.parametrize("size", [(50, 24), (80, 24), (110, 50), (140, 40)], ids=["slim", "narrow", "tall", "wide"])
def test_routing_among_six(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("2", "down", "down")
    assert snap_compare(Still(many()), terminal_size=size, run_before=pressing(*keys))


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["narrow", "wide"])
@pytest.mark.parametrize(
    "keys", [("2", "down", "down", "enter"), ("2", "p", "down", "down", "down")], ids=["why", "pin"]
)
def test_overlays_of_six(snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    assert snap_compare(Still(many()), terminal_size=size, run_before=pressing(*keys))
