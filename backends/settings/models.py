"""The tables [models."NAME"] of claw.toml: what the operator knows better of a model than what is built in."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta
from msgspec.structs import asdict, replace

from backends.catalogue.models import SAMPLING, Model, Thinking
from backends.errors import WrongSettings
from backends.settings.section import Positive, Section
from backends.types import Effort

if TYPE_CHECKING:
    from backends.settings.model import Settings


class ModelFacts(Section, frozen=True, kw_only=True):
    """Facts of one model; what is not set is as built in."""

    window: Annotated[Positive | None, Meta(description="context window: tokens of prompt and answer together")] = None
    max_output: Annotated[Positive | None, Meta(description="output limit: most tokens in one answer")] = None
    thinking: Annotated[
        Thinking | None,
        Meta(description="how its thinking is set: none, budget (tokens) or level"),
    ] = None
    levels: Annotated[
        tuple[Effort, ...] | None, Meta(description="its thinking levels, least first, as minimal, low, medium, high")
    ] = None
    least_thinking: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="fewest thinking tokens; 0 if thinking can be turned off")
    ] = None
    most_thinking: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="most thinking tokens")] = None
    sampling: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="sampling settings it accepts: temperature, top_p, top_k, frequency_penalty, "
            "presence_penalty, seed"
        ),
    ] = None
    retires: Annotated[date | None, Meta(description="the day on which it is shut down")] = None
    successor: Annotated[str | None, Meta(description="the model that replaces it")] = None

    def over(self, model: Model) -> Model:
        """`model` with these facts in place of its own."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if "sampling" in given:
            given["sampling"] = frozenset(given["sampling"])
        if given.get("levels"):
            given.setdefault("thinking", "level")
        return replace(model, known=True, **given)


def check_models(settings: "Settings", path: Path) -> None:
    """Raises WrongSettings for the first fact that could not be used."""
    for name, facts in settings.models.items():
        where = f'{path}: `models."{name}"'
        if strange := set(facts.sampling or ()) - SAMPLING:
            raise WrongSettings(f"{where}.sampling` names {sorted(strange)[0]}: use {', '.join(sorted(SAMPLING))}")
        if facts.levels is not None and len(set(facts.levels)) != len(facts.levels):
            raise WrongSettings(f"{where}.levels` names a level twice")
        if facts.levels and facts.thinking in ("none", "budget"):
            raise WrongSettings(f'{where}.levels` belongs to `thinking = "level"`')
        least, most = facts.least_thinking, facts.most_thinking
        if least is not None and most is not None and least > most:
            raise WrongSettings(f"{where}.least_thinking` must not be above most_thinking")
        if facts.successor in ("", name):
            raise WrongSettings(f"{where}.successor` must be another model's name")
