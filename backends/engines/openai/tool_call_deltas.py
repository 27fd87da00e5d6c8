"""Tool calls joined from their deltas, by whatever the server identifies them with: id, index or name."""

import json
from typing import Any

from backends.engines.base import TOKEN_BYTES
from backends.engines.plain_text import without_surrogates
from backends.types import ToolCall


class _PartialCall:
    """One call: id and name come once, arguments in pieces."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.arguments)


class ToolCallDeltas:
    """All calls of one answer, in order. A call without an id gets one that contains `answer`."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self._parts: list[_PartialCall] = []
        self.size = 0  # characters of all names and arguments, a call without any counted as a token

    def add(self, piece: dict[str, Any]) -> None:
        """Add a delta or a whole call; an empty one is skipped."""
        if not piece:
            return
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        id_, name, given = _string(piece.get("id")), _string(function.get("name")), function.get("arguments")
        index = piece.get("index")
        index = index if isinstance(index, int) else None
        parts = self._call_for(index, id_, name)
        parts.id, parts.name = parts.id or id_, parts.name or name
        if given is not None:
            parts.arguments.append(given if isinstance(given, str) else json.dumps(given))
            self.size += len(parts.arguments[-1])

    def whole(self) -> tuple[ToolCall, ...]:
        """Each call with an id of its own. Missing arguments become `{}`, arguments encoded twice are decoded."""
        used: set[str] = set()
        calls = []
        for number, parts in enumerate(self._parts):
            id_ = parts.id if parts.id and parts.id not in used else f"call_{self._answer}_{number}"
            used.add(id_)
            calls.append(ToolCall(id=id_, name=parts.name, arguments=_normalised(parts.text)))
        return tuple(calls)

    @staticmethod
    def readable(call: ToolCall) -> bool:
        return bool(call.name) and isinstance(_json(call.arguments), dict)

    def _call_for(self, index: int | None, id_: str, name: str) -> _PartialCall:
        """The call that a delta belongs to.

        A known id is a known call; a new id with a name is a new call, whatever its index. Without an id the index
        decides, and a name that comes again after complete arguments begins another call.
        """
        near = [parts for parts in self._parts if index is None or parts.index in (index, None)]
        if id_ and (known := next((parts for parts in near if parts.id == id_), None)):
            return known
        last = near[-1] if near else None
        if last is None or (name and last.name and ((id_ and last.id) or _json(last.text) is not None)):
            self._parts.append(_PartialCall(index))
            self.size += max(len(name), TOKEN_BYTES)
            return self._parts[-1]
        return last


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _normalised(text: str) -> str:
    value = _json(text) if text.strip() else {}
    if value is None and text.strip() == "null":
        return "{}"
    if isinstance(value, str) and isinstance(_json(value), dict):
        return without_surrogates(value)
    return without_surrogates(text) if text.strip() else "{}"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
