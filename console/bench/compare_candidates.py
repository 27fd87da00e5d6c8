"""Candidates to compare: an engine with a model and a thinking setting, and which of them the core is known to have."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from backends.types import CLOUD, LOCAL, Effort, Explanation, Route
from console.bench.prompt_settings import PromptSettings
from console.state import ViewState

FEWEST, MOST = 2, 4
"""Candidates of one comparison: each is a call, and a column."""


class CompareCandidate(Struct, frozen=True):
    """`model` is never empty; `effort` None leaves thinking to the settings of the prompt."""

    engine: Route
    model: str
    effort: Effort | None = None

    def settings(self, base: PromptSettings, *, cache: bool) -> PromptSettings:
        """What its request is sent with: the prompt's settings, for this engine and model."""
        effort = base.effort if self.effort is None else self.effort
        return replace(base, engine=self.engine, model=self.model, effort=effort, cache=cache)


class Comparing(NamedTuple):
    """What a prompt is to be sent to; without `cache` each candidate answers afresh."""

    candidates: tuple[CompareCandidate, ...]
    cache: bool = False


def known_models(state: ViewState, explanation: Explanation | None = None) -> list[tuple[Route, str]]:
    """Each engine with each model that the core is known to have there: its own, those in memory, those of agents and
    of earlier answers, and those that the explanation of the prompt weighs.
    """
    found: dict[tuple[Route, str], None] = {(engine.name, engine.model): None for engine in state.engines}
    engines = {engine.name for engine in state.engines}
    for name, reading in state.runtimes.items():
        found.update({(name, model.name): None for model in reading.models})
    for engine in state.engines:
        found.update({(engine.name, quota.model): None for quota in engine.quota})
    found.update(_answered(state))
    if explanation is not None:
        found.update({(each.engine, each.model): None for each in explanation.alternatives})
    agents = dict.fromkeys(agent.model for agent in state.agents if agent.model)
    for model in agents:
        if not any(model == other for _, other in found):
            found.update({(engine.name, model): None for engine in state.engines})
    return [(engine, model) for engine, model in found if engine in engines and model]


def local_and_cloud(state: ViewState) -> tuple[CompareCandidate, ...]:
    """The first local engine and the first in the cloud; fewer than two where one zone has none."""
    firsts = (next((e for e in state.engines if e.zone == zone), None) for zone in (LOCAL, CLOUD))
    return tuple(CompareCandidate(engine.name, engine.model) for engine in firsts if engine is not None)


def _answered(state: ViewState) -> Iterable[tuple[tuple[Route, str], None]]:
    for exchange in state.exchanges:
        if exchange.outcome is not None:
            for attempt in exchange.outcome.attempts:
                yield (attempt.engine, attempt.model), None
