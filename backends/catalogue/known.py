"""What is known of every model: the operator's own word first, then what is built in, then the price table's."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from backends.catalogue.abilities import ability_of
from backends.catalogue.gemini_models import Model, model_of
from backends.catalogue.listed import listed
from backends.catalogue.model_identity import bare, same

AHEAD_DAYS = 60
"""From so many days before its end on a model is said to end."""


class Retirement(Struct, frozen=True, kw_only=True):
    """A model's end. `days` are left until `on`, 0 and below where it is over; both None where no day is announced."""

    model: str
    on: date | None
    days: int | None
    successor: str | None

    @property
    def line(self) -> str:
        """What a person should know, in a line."""
        by = f": {self.successor} takes its place" if self.successor else ""
        if self.on is None or self.days is None:
            return f"{self.model} is deprecated by its maker{by}"
        if self.days <= 0:
            return f"{self.model} was shut down on {self.on}{by}"
        return f"{self.model} is shut down on {self.on}, in {self.days} day{'s' if self.days > 1 else ''}{by}"

    @property
    def command(self) -> str:
        """What adopts the successor; "" where none is named."""
        return adopt(self.successor) if self.successor else ""


class Override(Protocol):
    """What an operator knows better of one model."""

    def over(self, model: Model) -> Model:
        """The model with that in place of what is built in."""
        ...


class Catalogue:
    """`facts` are the operator's, by the model's name."""

    def __init__(self, facts: Mapping[str, Override] | None = None) -> None:
        self._facts = dict(facts or {})
        self._known: dict[str, Model] = {}

    def model(self, name: str) -> Model:
        """What is known of `name`; the price table is asked for its window only where nothing else is known."""
        if name not in self._known:
            self._known[name] = self._look_up(name)
        return self._known[name]

    def ability(self, name: str) -> float | None:
        """The score on MMLU-Pro in percent that is built in; None where nothing can be told."""
        return ability_of(name)

    def successor(self, name: str, day: date) -> str | None:
        """What its maker answers with on `day` where `name` is asked for; None where that is the model itself."""
        model = self.model(name)
        over = model.retires is not None and model.retires <= day
        return model.successor if over and model.successor and not same(name, model.successor) else None

    def retirement(self, name: str, today: date) -> Retirement | None:
        """A model's end where it is near, over, or only announced; None where nothing is to be said of it."""
        model = self.model(name)
        table = listed(bare(name))
        if model.retires is None:
            if model.deprecated or (table is not None and table.deprecated):
                return Retirement(model=name, on=None, days=None, successor=model.successor)
            return None
        days = (model.retires - today).days
        if days > AHEAD_DAYS:
            return None
        return Retirement(model=name, on=model.retires, days=days, successor=model.successor)

    def _look_up(self, name: str) -> Model:
        found = model_of(name)
        if not found.known and (table := listed(bare(name))) is not None and table.window:
            found = replace(found, window=table.window)
        own = self._facts.get(name) or self._facts.get(bare(name))
        return own.over(found) if own is not None else found


def adopt(model: str, *, engine: str = "cloud") -> str:
    """The command that makes an engine ask for `model`."""
    return f"claw config set engines.{engine}.model {model}"
