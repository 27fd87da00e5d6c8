"""What the gate's CPU time is spent on: by detector, on agents' texts and on texts built against each pattern."""

import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from time import thread_time
from typing import Any, NamedTuple

from backends.hostile_texts import general_texts, hostile_texts
from backends.privacy import PrivacyGate, detectors
from backends.privacy.content_windows import windows
from backends.privacy.detection import Detection, Detector
from backends.privacy.detectors import api_keys
from backends.privacy.detectors.kinds import DETECTORS
from backends.privacy.detectors.vendor_keys import TABLE, form
from backends.privacy.text_window import TextWindow
from backends.settings.privacy import Privacy
from backends.types import Message, Request

ROUNDS = 3
"""The fastest counts: on a busy machine the others measure its caches."""

HOSTILE, PROBE = 200_000, 10_000
"""Characters of a hostile text, and of the first try of one: a window of the gate, which bounds what each costs."""

CONFIRMED = 3
"""Texts of each pattern that are measured whole: those that cost most at the first try."""

OTHER = "parts, views, hashes"


class Timed:
    """A detector that adds up its CPU seconds. What it computes for all detectors counts for it alone."""

    def __init__(self, detector: Detector) -> None:
        self.name = name_of(detector)
        self.seconds = 0.0
        self._detector = detector

    def find(self, window: TextWindow) -> list[Detection]:
        began = thread_time()
        found = list(self._detector(window))
        self.seconds += thread_time() - began
        return found


def name_of(detector: Detector) -> str:
    """The name of the file that a detector is in."""
    return detector.__module__.rpartition(".")[2]


def by_detector(requests: list[Request]) -> dict[str, float]:
    """CPU milliseconds a kB of each detector, and of what is done around them; "total" is measured without clocks."""
    characters = sum(_size(request) for request in requests)
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        timed = [Timed(detector) for detector in DETECTORS]
        whole = _inspected(requests, [each.find for each in timed])
        spent = {each.name: each.seconds for each in timed}
        spent[OTHER] = whole - sum(spent.values())
        spent["total"] = _inspected(requests, DETECTORS)
        for name, seconds in spent.items():
            best[name] = min(best.get(name, seconds), seconds)
    return {name: seconds * 1e6 / characters for name, seconds in best.items()}


def _inspected(requests: list[Request], finders: Iterable[Callable[[TextWindow], Iterable[Detection]]]) -> float:
    """CPU seconds of inspecting them all, each by a gate that has seen none."""
    gates = [PrivacyGate(Privacy(), detectors=tuple(finders)) for _ in requests]
    began = thread_time()
    for gate, request in zip(gates, requests, strict=True):
        gate.inspection(request, gate.parts(request), agent_sensitive=False)
    return thread_time() - began


def _size(request: Request) -> int:
    gate = PrivacyGate(Privacy())
    return sum(part.size for part in gate.parts(request) or ())


class DetectorPattern(NamedTuple):
    """A compiled pattern of a file in detectors."""

    file: str
    name: str
    pattern: re.Pattern[str]


def patterns() -> Iterator[DetectorPattern]:
    """Every compiled pattern of the detectors, also those inside of their tables."""
    seen: set[tuple[str, int]] = set()
    for module in iter_modules(detectors.__path__):
        content = vars(import_module(f"{detectors.__name__}.{module.name}"))
        for name, value in (*content.items(), *_vendor_forms(module.name)):
            for pattern in _within(value, 4):
                key = (pattern.pattern, pattern.flags)
                if key not in seen:
                    seen.add(key)
                    yield DetectorPattern(module.name, name, pattern)


def _vendor_forms(file: str) -> Iterator[tuple[str, Any]]:
    """The table of vendors' forms is searched by what finds each, so its patterns are made once more."""
    if file == name_of(api_keys.find):
        yield from ((row.vendor, form(row.vendor, each)) for row in TABLE for each in row.forms)


def _within(value: Any, depth: int) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict | tuple | list) and depth:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _within(item, depth - 1)


def worst_times(pattern: DetectorPattern) -> dict[str, tuple[float, str]]:
    """For each detector that uses this pattern the CPU seconds of the worst text of 200 kB that is built against it,
    and how that text begins.
    """
    finders = users(pattern)
    ranked: list[tuple[float, str]] = []
    for text in hostile_texts(pattern.pattern, PROBE):
        ranked.append((sum(spent(finder, text) for finder in finders), text))
    ranked.sort(reverse=True)
    return worst_of((_longer(text) for _, text in ranked[:CONFIRMED]), finders)


def users(pattern: DetectorPattern) -> tuple[Detector, ...]:
    """The detector of the pattern's file; all of them, where the file has none."""
    return tuple(finder for finder in DETECTORS if name_of(finder) == pattern.file) or DETECTORS


def worst_of(texts: Iterable[str], finders: Iterable[Detector] = DETECTORS) -> dict[str, tuple[float, str]]:
    """For each detector the CPU seconds of the text that costs it most, and how that text begins."""
    finders = tuple(finders)
    worst: dict[str, tuple[float, str]] = {}
    for text in texts:
        for finder in finders:
            seconds, so_far = spent(finder, text), worst.get(name_of(finder), (0.0, ""))
            if seconds > so_far[0]:
                seconds = min(seconds, spent(finder, text))
            worst[name_of(finder)] = max(so_far, (seconds, text[:60]))
    return worst


def worst_in_general() -> dict[str, tuple[float, str]]:
    """The same over runs that no pattern was looked at for."""
    return worst_of(general_texts(HOSTILE))


def spent(finder: Detector, text: str) -> float:
    """CPU seconds of one detector on a text, window by window as the gate reads it."""
    began = thread_time()
    for _, piece in windows(text):
        for _ in finder(TextWindow(piece)):
            pass
    return thread_time() - began


def _longer(text: str) -> str:
    return (text * (HOSTILE // len(text) + 1))[:HOSTILE]


def judged_in(text: str) -> float:
    """CPU seconds of a whole inspection of one message."""
    return _inspected([Request(id="r", messages=(Message(role="user", text=text),))], DETECTORS)
