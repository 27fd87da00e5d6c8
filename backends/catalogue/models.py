"""Facts of Gemini's models, each family once, with their source. A model that is not named has its family's.

Sources, read on CLAIMS_AS_OF: https://ai.google.dev/gemini-api/docs/models, /deprecations, /thinking, /gemini-3
"""

from datetime import date
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.types import Effort

CLAIMS_AS_OF = date(2026, 11, 30)

Thinking = Literal["none", "budget", "level"]
Media = Literal["image", "pdf", "audio"]

SAMPLING = frozenset({"temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed"})


class Model(Struct, frozen=True, kw_only=True):
    """One model. Sizes are tokens.

    `thinking` is how it is told how hard to think: not at all, by a number of tokens, or by a level, of which it knows
    `levels`, least first; `least_thinking` is what it spends at the least where a budget cannot turn it off.
    `sampling` are the settings it takes. `needs_signatures`: it refuses an earlier tool call without its signature.
    `ends_with_user`: it refuses a prompt whose last turn is its own. `retires` is when it is shut down, by then
    `successor` is to be used.
    """

    name: str
    window: int = 1_048_576
    max_output: int = 65_536
    thinking: Thinking = "budget"
    levels: tuple[Effort, ...] = ()
    least_thinking: int = 0
    sampling: frozenset[str] = SAMPLING
    media: frozenset[Media] = frozenset({"image", "pdf", "audio"})
    needs_signatures: bool = False
    ends_with_user: bool = False
    retires: date | None = None
    successor: str | None = None


_UNKNOWN = Model(name="")

_GEMINI_2_0 = Model(
    name="gemini-2.0-flash", max_output=8_192, thinking="none", retires=date(2026, 6, 1), successor="gemini-3.5-flash"
)
_GEMINI_2_5 = Model(name="gemini-2.5-flash", retires=date(2026, 12, 1), successor="gemini-3.5-flash-lite")
_GEMINI_3 = Model(
    name="gemini-3-flash-preview",
    thinking="level",
    levels=("minimal", "low", "medium", "high"),
    needs_signatures=True,
)
_GEMINI_3_PRO = replace(_GEMINI_3, name="gemini-3-pro-preview", levels=("low", "high"))
_GEMINI_3_5 = replace(
    _GEMINI_3,
    name="gemini-3.5-flash",
    sampling=frozenset({"seed"}),
    ends_with_user=True,
)

_KNOWN = (
    _GEMINI_2_0,
    _GEMINI_2_5,
    replace(_GEMINI_2_5, name="gemini-2.5-pro", least_thinking=128),
    _GEMINI_3,
    _GEMINI_3_PRO,
    replace(_GEMINI_3_PRO, name="gemini-3.1-pro-preview", levels=("low", "medium", "high")),
    _GEMINI_3_5,
    replace(_GEMINI_3_5, name="gemini-3.5-flash-lite"),
)
_BY_NAME = {model.name: model for model in _KNOWN}


def model_of(name: str) -> Model:
    """What is known of a Gemini model; of one that is not named, what its family's next of kin can do."""
    bare = name.removeprefix("models/")
    if found := _BY_NAME.get(bare):
        return found
    kin = max((known for known in _BY_NAME if bare.startswith(known)), key=len, default=None)
    return replace(_BY_NAME[kin] if kin else _UNKNOWN, name=bare)
