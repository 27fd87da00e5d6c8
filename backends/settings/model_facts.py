"""The tables [models."NAME"] of claw.toml: what the operator knows better of a model than what is built in."""

from datetime import date
from typing import Annotated

from msgspec import Meta
from msgspec.structs import asdict, replace

from backends.catalogue.gemini_models import SAMPLING, Model, Thinking
from backends.settings.section import Positive, Section, quoted
from backends.types import Effort


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

    def __post_init__(self) -> None:
        if unknown := set(self.sampling or ()) - SAMPLING:
            raise ValueError(f"`sampling` names {quoted(sorted(unknown)[0])}: use {', '.join(sorted(SAMPLING))}")
        if self.levels is not None and len(set(self.levels)) != len(self.levels):
            raise ValueError("`levels` names a level twice")
        if self.levels and self.thinking in ("none", "budget"):
            raise ValueError('`levels` belongs to `thinking = "level"`')
        least, most = self.least_thinking, self.most_thinking
        if least is not None and most is not None and least > most:
            raise ValueError("`least_thinking` must not be above most_thinking")
        if self.successor == "":
            raise ValueError("`successor` must be a model's name")

    def over(self, model: Model) -> Model:
        """`model` with these facts in place of its own."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if "sampling" in given:
            given["sampling"] = frozenset(given["sampling"])
        if given.get("levels"):
            given.setdefault("thinking", "level")
        return replace(model, known=True, **given)
