"""Which entry answered which request, for as long as a complaint may come."""

from collections import OrderedDict
from typing import NamedTuple

KEPT = 4096


class Serving(NamedTuple):
    key: bytes
    score: float | None


class Served:
    def __init__(self) -> None:
        self._by_request: OrderedDict[str, tuple[bytes, float | None]] = OrderedDict()

    def note(self, request_id: str, key: bytes, score: float | None) -> None:
        self._by_request[request_id] = (key, score)
        if len(self._by_request) > KEPT:
            self._by_request.popitem(last=False)

    def get(self, request_id: str) -> Serving | None:
        found = self._by_request.get(request_id)
        return Serving(*found) if found is not None else None
