"""Which entry answered which request, for as long as a complaint may come."""

from collections import OrderedDict
from typing import NamedTuple

KEPT = 4096


class Serving(NamedTuple):
    key: bytes
    score: float | None


class Served:
    def __init__(self) -> None:
        self._by_request: OrderedDict[str, Serving] = OrderedDict()

    def note(self, request_id: str, key: bytes, score: float | None) -> None:
        self._by_request[request_id] = Serving(key, score)
        while len(self._by_request) > KEPT:
            self._by_request.popitem(last=False)

    def get(self, request_id: str) -> Serving | None:
        return self._by_request.get(request_id)
