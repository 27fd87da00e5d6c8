"""What is done with every field of a dialect's body, and which fields of one body have no effect."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from backends.gateway.http_errors import HttpError

Treatment = Literal["carried", "translated", "accepted", "named", "refused"]
"""Goes to the engine as it is; in another form; has no effect and needs none; has no effect and is named to the caller;
is refused with a 400 that names it."""

NAMED = 16
"""Fields without effect that one answer names."""
LETTERS = 64


class Field(Struct, frozen=True):
    """`harmless` are values of a field which ask for nothing, so that they are neither named nor refused."""

    treatment: Treatment
    how: str = ""
    harmless: tuple[Any, ...] = ()


CARRIED = Field("carried")
ACCEPTED = Field("accepted")
CACHED = Field("accepted", "engines here cache by themselves")
THOUGHTS = Field("accepted", "an engine's earlier thoughts are not read again")


class FieldTable:
    """`fields` are by place in the body; "" is the body itself."""

    def __init__(self, fields: Mapping[str, Mapping[str, Field]]) -> None:
        self.fields = fields
        self.quiet = {
            place: frozenset(
                name for name, field in found.items() if field.treatment in ("carried", "translated", "accepted")
            )
            for place, found in fields.items()
        }


class IgnoredFields:
    """Collects the fields of a request that have no effect. It reads keys only, some 0.2 µs for each object."""

    def __init__(self, table: FieldTable) -> None:
        self._table = table
        self._names: dict[str, None] = {}

    def check(self, place: str, value: Any, where: str = "") -> None:
        """`value` stands at `place`; `where` is that with its indexes. What is no object is not looked at.

        Raises HttpError (400) for what is refused.
        """
        if not isinstance(value, dict):
            return
        strange = value.keys() - self._table.quiet[place]
        if not strange:
            return
        fields = self._table.fields[place]
        for name in sorted(strange):
            given, field = value[name], fields.get(name)
            if given is None or (field is not None and any(given == each for each in field.harmless)):
                continue
            if field is not None and field.treatment == "refused":
                path = f"{where}.{name}".lstrip(".")
                raise HttpError(400, "unsupported", f"{path} is not supported: {field.how}", param=path)
            self.add(f"{place}.{name}".lstrip("."))

    def add(self, name: str) -> None:
        """Something else that has no effect."""
        self._names[_plain(name)] = None

    def names(self) -> tuple[str, ...]:
        """The fields' names, as many as an answer names and how many more there are."""
        names = tuple(self._names)
        return names if len(names) <= NAMED else (*names[:NAMED], f"{len(names) - NAMED} more")


def _plain(name: str) -> str:
    """A caller's own name of a field, as it may stand in a header."""
    kept = "".join(letter if "!" <= letter <= "~" and letter != "," else "?" for letter in name[: LETTERS + 1])
    return kept if len(kept) <= LETTERS else f"{kept[:LETTERS]}..."
