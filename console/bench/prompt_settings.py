"""What the next prompt is sent with, and the one table of its settings: for slash commands, overlay and the line above
the prompt alike."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, get_args

from msgspec import Struct
from msgspec.structs import replace

from backends.text.measures import count
from backends.types import Effort, EngineState, Route, Sampling

AUTO: Route = "auto"
DEFAULT_AGENT = "default"
EFFORTS: tuple[Effort, ...] = get_args(Effort)
OWN = "default"
"""The word that gives a setting back to the agent and the engine."""
HOTTEST = 2.0
SYSTEM_SHOWN = 24
"""Characters of the system prompt in the line above the prompt."""


class PromptSettings(Struct, frozen=True):
    """`model` "" and None elsewhere leave it to the agent and the engine."""

    agent: str = DEFAULT_AGENT
    engine: Route = AUTO
    model: str = ""
    effort: Effort | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    system: str = ""
    cache: bool = True
    sensitive: bool = False

    @property
    def sampling(self) -> Sampling:
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens, effort=self.effort)

    def differences(self) -> list[str]:
        """What differs from the agent's own rules, in a few words each; agent, engine and sensitive aside."""
        found = [
            f"model {self.model}" if self.model else "",
            "" if self.temperature is None else f"temp {plain(self.temperature)}",
            "" if self.effort is None else f"think {self.effort}",
            "" if self.max_tokens is None else f"max {count(self.max_tokens)}",
            f"system “{_beginning(self.system)}”" if self.system else "",
            "" if self.cache else "cache off",
        ]
        return [each for each in found if each]


class Known(NamedTuple):
    """The names that settings may have: agents, engines, and the models that each engine is known to have."""

    agents: Sequence[str] = ()
    engines: Sequence[EngineState] = ()
    models: Sequence[tuple[Route, str]] = ()


class Setting(Struct, frozen=True):
    """One setting. `apply` takes what the operator typed and raises ValueError with a line that says what is right."""

    name: str
    help: str
    shown: Callable[[PromptSettings], str]
    apply: Callable[[PromptSettings, str, Known], PromptSettings]
    choices: Callable[[Known], Sequence[str]] = lambda _: ()


def plain(value: float) -> str:
    """`.2`, `1`, `1.25`."""
    text = f"{value:g}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SYSTEM_SHOWN else line[:SYSTEM_SHOWN].rstrip() + "…"


def _one_of(word: str, names: Sequence[str], what: str) -> str:
    """The name that is meant, whatever its case."""
    for name in names:
        if name.lower() == word.lower():
            return name
    raise ValueError(f"No {what} {word}: it is one of {', '.join(names)}")


def _switch(word: str, *, now: bool) -> bool:
    """On, off, or without a word the other one."""
    if word.lower() in ("on", "off", ""):
        return word.lower() == "on" if word else not now
    raise ValueError("Say on or off")


def _agent(settings: PromptSettings, word: str, known: Known) -> PromptSettings:
    return replace(settings, agent=_one_of(word or OWN, known.agents, "agent"))


def _engine(settings: PromptSettings, word: str, known: Known) -> PromptSettings:
    """An engine chosen by name drops a model that belongs to another one."""
    names = [AUTO, *(engine.name for engine in known.engines)]
    engine = AUTO if word in ("", OWN) else _one_of(word, names, "engine")
    keeps = engine == settings.engine or (engine, settings.model) in known.models
    return replace(settings, engine=engine, model=settings.model if keeps else "")


def _model(settings: PromptSettings, word: str, known: Known) -> PromptSettings:
    """`MODEL` or `ENGINE/MODEL`. A model is asked for at an engine by name: `auto` knows only what agents have."""
    if word in ("", OWN):
        return replace(settings, model="")
    engine, _, rest = word.partition("/")
    if rest and engine in [each.name for each in known.engines]:
        return replace(settings, engine=engine, model=rest)
    owners = [engine for engine, model in known.models if model == word]
    if settings.engine in owners:
        return replace(settings, model=word)
    if owners:
        return replace(settings, engine=owners[0], model=word)
    if settings.engine == AUTO:
        raise ValueError(f"Which engine has {word}? Say ENGINE/{word}")
    return replace(settings, model=word)


def _effort(settings: PromptSettings, word: str, _: Known) -> PromptSettings:
    if word in ("", OWN):
        return replace(settings, effort=None)
    effort = next((each for each in EFFORTS if each == word.lower()), None)
    if effort is None:
        raise ValueError(f"Thinking is one of {', '.join(EFFORTS)}, or default")
    return replace(settings, effort=effort)


def _temperature(settings: PromptSettings, word: str, _: Known) -> PromptSettings:
    if word in ("", OWN):
        return replace(settings, temperature=None)
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= HOTTEST:
        raise ValueError(f"A temperature is a number from 0 to {HOTTEST:g}, or default")
    return replace(settings, temperature=value)


def _max_tokens(settings: PromptSettings, word: str, _: Known) -> PromptSettings:
    if word in ("", OWN):
        return replace(settings, max_tokens=None)
    digits = word.replace(",", "")
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:10]) <= 1_000_000_000):
        raise ValueError("The most tokens of an answer are a whole number from 1 on, or default")
    return replace(settings, max_tokens=int(digits))


SETTINGS: tuple[Setting, ...] = (
    Setting("agent", "whose rules hold", lambda it: it.agent, _agent, lambda known: known.agents),
    Setting(
        "engine",
        "who answers; auto lets the router choose",
        lambda it: it.engine,
        _engine,
        lambda known: (AUTO, *(engine.name for engine in known.engines)),
    ),
    Setting(
        "model",
        "MODEL or ENGINE/MODEL; default is the agent's or the engine's own",
        lambda it: f"{it.engine}/{it.model}" if it.model else "",
        _model,
        lambda known: ("", *(f"{engine}/{model}" for engine, model in known.models)),
    ),
    Setting("think", "how hard the model is to think", lambda it: it.effort or "", _effort, lambda _: ("", *EFFORTS)),
    Setting(
        "temp",
        f"temperature, from 0 to {HOTTEST:g}",
        lambda it: "" if it.temperature is None else plain(it.temperature),
        _temperature,
    ),
    Setting(
        "max",
        "the most tokens of the answer",
        lambda it: "" if it.max_tokens is None else str(it.max_tokens),
        _max_tokens,
    ),
    Setting(
        "system",
        "the system prompt",
        lambda it: it.system,
        lambda it, word, _: replace(it, system="" if word == OWN else word),
    ),
    Setting(
        "cache",
        "on: a stored answer may come back; off: neither looked up nor stored",
        lambda it: "on" if it.cache else "off",
        lambda it, word, _: replace(it, cache=_switch("on" if word == OWN else word, now=it.cache)),
        lambda _: ("on", "off"),
    ),
    Setting(
        "sensitive",
        "on: the prompt stays on this machine",
        lambda it: "on" if it.sensitive else "off",
        lambda it, word, _: replace(it, sensitive=_switch("off" if word == OWN else word, now=it.sensitive)),
        lambda _: ("on", "off"),
    ),
)
