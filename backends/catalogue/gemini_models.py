"""Facts of Gemini's text models, each group with its source and the day it was read.

A model that is not named has its family's facts; of one without a family only what the price table says is known.

| facts | source | read |
| --- | --- | --- |
| windows, caps on output | ai.google.dev/gemini-api/docs/models/NAME; docs.cloud.google.com, comparisons | 2026-11-30 |
| lifecycle, successors | ai.google.dev/gemini-api/docs/deprecations, /changelog, /whats-new-gemini-3.5 | 2026-11-30 |
| thinking | ai.google.dev/gemini-api/docs/thinking; docs.cloud.google.com, guides of 3.6, 3.8 and 4 | 2026-11-30 |
| files, JSON beside tools | ai.google.dev/gemini-api/docs/structured-output, /gemini-3 | 2026-11-30 |
| sampling | ai.google.dev/gemini-api/docs/whats-new-gemini-3.6; google-gemini/cookbook#1290 (penalties) | 2026-11-30 |
"""

from datetime import date
from functools import cache
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.catalogue.model_identity import bare, without_revision
from backends.types import Effort

CLAIMS_AS_OF = date(2026, 11, 30)

Thinking = Literal["none", "budget", "level"]
MediaKind = Literal["image", "pdf", "audio"]

STEERED = frozenset({"temperature", "top_p", "top_k", "seed"})
"""Penalties are taken by Gemini 2.0 alone: every later model answers 400 ("Penalty is not enabled for this model")."""

SAMPLING = STEERED | {"frequency_penalty", "presence_penalty"}


class Model(Struct, frozen=True, kw_only=True):
    """One model. Sizes are tokens.

    `thinking` is how it is told how hard to think: not at all, by a number of tokens between `least_thinking` and
    `most_thinking` (0 turns it off where the least is 0), or by a level, of which it knows `levels`, least first, and
    takes `default_level` unasked. `sampling` are the settings it takes. `needs_signatures`: it refuses an earlier tool
    call without its signature. `json_with_tools`: it takes a JSON format beside tools. `ends_with_user`: it refuses a
    prompt whose last turn is its own. `retires` is the day it is shut down, None where none is announced; `deprecated`:
    its maker advises against it, or already answers for it with another one. `successor` is what its maker names in its
    place. Not `known`: nothing of it is.
    """

    name: str
    window: int = 1_048_576
    max_output: int = 65_536
    thinking: Thinking = "budget"
    levels: tuple[Effort, ...] = ()
    default_level: Effort | None = None
    least_thinking: int = 0
    most_thinking: int = 24_576
    sampling: frozenset[str] = STEERED
    media: frozenset[MediaKind] = frozenset({"image", "pdf", "audio"})
    needs_signatures: bool = False
    json_with_tools: bool = False
    ends_with_user: bool = False
    deprecated: bool = False
    retires: date | None = None
    successor: str | None = None
    known: bool = True


_2_0_FLASH = Model(
    name="gemini-2.0-flash",
    max_output=8_192,
    thinking="none",
    sampling=SAMPLING,
    deprecated=True,
    retires=date(2026, 6, 1),
    successor="gemini-3.5-flash-lite",  # named was gemini-2.5-flash, which has ended too
)
_2_5_FLASH = Model(
    name="gemini-2.5-flash", deprecated=True, retires=date(2026, 12, 1), successor="gemini-3.5-flash-lite"
)
_3_FLASH = Model(
    name="gemini-3-flash-preview",
    thinking="level",
    levels=("minimal", "low", "medium", "high"),
    default_level="high",
    needs_signatures=True,
    json_with_tools=True,
    deprecated=True,
    successor="gemini-3.6-flash",
)
_3_1_PRO = replace(
    _3_FLASH, name="gemini-3.1-pro-preview", levels=("low", "medium", "high"), deprecated=False, successor=None
)
_3_5_FLASH = replace(_3_FLASH, name="gemini-3.5-flash", default_level="medium")
_3_6_FLASH = replace(
    _3_5_FLASH,
    name="gemini-3.6-flash",
    sampling=frozenset({"seed"}),  # from here on temperature, top_p and top_k are ignored
    ends_with_user=True,
    deprecated=False,
    successor=None,
)
_3_8_FLASH = replace(_3_6_FLASH, name="gemini-3.8-flash", levels=("low", "medium", "high"))

_KNOWN = (
    _2_0_FLASH,
    replace(_2_0_FLASH, name="gemini-2.0-flash-lite", successor="gemini-2.5-flash-lite"),
    _2_5_FLASH,
    replace(_2_5_FLASH, name="gemini-2.5-flash-lite", deprecated=False, retires=None, successor=None),
    replace(_2_5_FLASH, name="gemini-2.5-pro", least_thinking=128, most_thinking=32_768, successor="gemini-3.8-flash"),
    _3_FLASH,
    replace(
        _3_1_PRO,
        name="gemini-3-pro-preview",
        levels=("low", "high"),
        deprecated=True,
        retires=date(2026, 3, 9),
        successor="gemini-3.1-pro-preview",
    ),
    _3_1_PRO,
    replace(
        _3_FLASH,
        name="gemini-3.1-flash-lite",
        default_level="minimal",
        deprecated=False,
        retires=date(2027, 5, 7),
        successor=None,
    ),
    _3_5_FLASH,
    replace(_3_6_FLASH, name="gemini-3.5-flash-lite", default_level="minimal"),
    _3_6_FLASH,
    replace(_3_8_FLASH, name="gemini-3.7-flash"),
    _3_8_FLASH,
    replace(_3_8_FLASH, name="gemini-4-argon"),
)
_BY_NAME = {model.name: model for model in _KNOWN}

ALIASES = {
    "gemini-flash-latest": "gemini-3.8-flash",
    "gemini-flash-lite-latest": "gemini-3.5-flash-lite",
    "gemini-pro-latest": "gemini-3.1-pro-preview",
}
"""As genai-prices resolves them; what really answers is told by the answer."""

_OTHER_KINDS = ("image", "tts", "live", "embedding", "audio")
"""Words in the names of models that are no family of the text model they are called after."""


@cache
def model_of(name: str) -> Model:
    """What is built in of a Gemini model; of one that is not named, what its next of kin can do, less its dates."""
    asked = bare(name)
    exact = without_revision(asked)
    if found := _BY_NAME.get(ALIASES.get(exact, exact)):
        return found if found.name == asked else replace(found, name=asked)
    kin = max((known for known in _BY_NAME if asked.startswith(known)), key=len, default=None)
    if kin is None or any(word in asked.removeprefix(kin) for word in _OTHER_KINDS):
        return Model(name=asked, known=False)
    return replace(_BY_NAME[kin], name=asked, deprecated=False, retires=None, successor=None)
