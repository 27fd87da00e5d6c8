"""How hard a model is told to think, and the room that is set aside for it.

Google maps OpenAI's efforts to budgets of 1,024, 8,192 and 24,576 tokens (ai.google.dev/gemini-api/docs/openai, read on
2026-11-30). A level has no budget of its own, and Google publishes none: the room of a level is the budget of the same
word, and that of "minimal" our choice. It holds all the same, since a call's cap on output, which counts the thinking,
is the answer's room and this one together.
"""

from backends.catalogue.gemini_models import Model
from backends.types import Effort

ROOM: dict[Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_768,
}
"""Tokens of thinking that an effort is worth."""

_ORDER: tuple[Effort, ...] = tuple(ROOM)


def thinking_level(model: Model, effort: Effort | None, budget: int | None) -> Effort | None:
    """The level that a model which goes by levels is asked for; None leaves it to the model.

    The highest one within the caller's effort and the room of `budget` tokens, and at least the least it has.
    """
    if model.thinking != "level" or not model.levels or (effort is None and budget is None):
        return None
    wanted = [level for level in model.levels if effort is None or _ORDER.index(level) <= _ORDER.index(effort)]
    within = [level for level in wanted if budget is None or ROOM[level] <= budget]
    return within[-1] if within else model.levels[0]


def thinking_budget(model: Model, effort: Effort | None, budget: int | None) -> int | None:
    """The tokens that a model which goes by a budget is asked to keep within; None leaves it to the model."""
    if model.thinking != "budget" or (effort is None and budget is None):
        return None
    tokens = min(ROOM[effort] if effort is not None else model.most_thinking, model.most_thinking)
    tokens = tokens if budget is None else min(tokens, budget)
    return max(tokens, model.least_thinking)


def thinking_room(model: Model, effort: Effort | None, budget: int | None) -> int:
    """Tokens to set aside beside the answer for what this model really thinks, whether it was told to or not.

    Never more than the model can write. Where nobody says anything, a model thinks as it is wont to.
    """
    match model.thinking:
        case "none":
            room = 0
        case "budget":
            told = thinking_budget(model, effort, budget)
            room = model.most_thinking if told is None else told
        case "level":
            level = thinking_level(model, effort, budget) or model.default_level or "high"
            # what the operator grants beyond the level's own is granted: the level steers, the cap bounds
            granted = budget if budget is not None and effort is None else 0
            room = max(ROOM[level], granted)
    return min(room, model.max_output)
