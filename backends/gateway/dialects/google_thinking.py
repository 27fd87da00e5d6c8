"""Google's words for how hard a model is to think, which its own API and its OpenAI-compatible one share."""

from backends.gateway.http_errors import HttpError
from backends.types import Effort

LEVELS: dict[str, Effort] = {"minimal": "minimal", "low": "low", "medium": "medium", "high": "high"}

UNSPECIFIED = "thinking_level_unspecified"


def thinking(
    level: str | None, budget: int | None, param: str, effort: Effort | None = None
) -> tuple[Effort | None, int | None]:
    """The effort and the most thinking tokens. `effort` holds where Google's words say nothing.

    Raises HttpError (400) for another level. Source: ai.google.dev/gemini-api/docs/openai
    """
    if level is not None and level.lower() != UNSPECIFIED:
        if level.lower() not in LEVELS:
            line = f"{param} must be one of {', '.join(LEVELS)}"
            raise HttpError(400, "invalid_request", line, param=param)
        effort = LEVELS[level.lower()]
    if budget is None or budget < 0:
        return effort, None
    return ("none" if budget == 0 else effort), budget
