"""What every table of claw.toml is made of, and how its keys are written."""

import json
import re
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0, le=1e12)]
Seconds = Annotated[float, Meta(gt=0, le=1e12)]
"""No clock waits for infinity, and JSON has no word for it."""

Share = Annotated[float, Meta(ge=0, le=1)]

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of claw.toml.

    What a field's type cannot express is checked in `__post_init__`, which raises a ValueError whose text begins with
    the field's name in backticks: "`rate` must be above 0". `load` adds the table's name: "`money.rate` must be …".
    """

    UNSHOWN: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold an address with a password, or what is private itself: a traceback must not show them."""

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        shown = (f"{name}={'…' if name in self.UNSHOWN and value else repr(value)}" for name, value in values)
        return f"{type(self).__name__}({', '.join(shown)})"


def quoted(part: str) -> str:
    """One part of a dotted key, as it has to be written in claw.toml and for `claw config set`."""
    return part if BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)


def dotted(*parts: str) -> str:
    """A setting's name in full, as `agents."team.one".policy`."""
    return ".".join(map(quoted, parts))
