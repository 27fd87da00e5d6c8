"""The gate: labels first, then detectors over all texts that an engine would read. Any error means sensitive."""

import os
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from backends.privacy.allowed_values import AllowedValues
from backends.privacy.detection import Detection, Detector
from backends.privacy.detectors.internal_hosts import InternalHosts
from backends.privacy.detectors.kinds import DETECTORS, KINDS
from backends.privacy.detectors.operator_rules import OperatorRules
from backends.privacy.part_reader import START_S, Allowance, Found, PartReader
from backends.privacy.redact import Redaction, Redactor
from backends.privacy.request_parts import RequestPart, request_parts
from backends.settings.privacy import Privacy
from backends.text_memory import ENTRIES, TextMemory
from backends.types import LOCAL, Finding, Request, Verdict

MOST_FINDINGS = 32
"""Findings that a verdict names; it stands after the first."""


Parts = tuple[RequestPart, ...]


class PrivatePart(Struct, frozen=True, gc=False):
    """A part of a request with what was found in it."""

    part: RequestPart
    found: tuple[Found, ...]


class Inspected(Struct, frozen=True, kw_only=True):
    """A request's verdict, with the parts that it rests on."""

    verdict: Verdict
    private: tuple[PrivatePart, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(found.kind for each in self.private for found in each.found)


class PrivacyGate:
    """Says whether a request may leave the machine.

    A part that was read before costs a hash. Reading what is new takes about a millisecond a kilobyte
    (benchmarks/evaluation/routing.md): see `unread`, and call it in a thread for more than a few. An inspection that
    takes too long is unsure, so the request is sensitive; what it has read until then is remembered.
    """

    def __init__(
        self,
        settings: Privacy,
        *,
        detectors: Sequence[Detector] = DETECTORS,
        start_s: float = START_S,
        key: bytes | None = None,
        entries: int = ENTRIES,
    ) -> None:
        """Raises ValueError for a pattern that does not compile. `start_s`: CPU seconds for any inspection. `key` is
        for the hashes of texts and values, by default one of this gate's own; `entries` are those of its memory.
        """
        own: list[Detector] = []
        if settings.words or settings.patterns:
            own.append(OperatorRules(settings.words, settings.patterns).find)
        if settings.internal_hosts:
            own.append(InternalHosts(settings.internal_hosts).find)
        self._images_stay = settings.images == LOCAL
        key = os.urandom(32) if key is None else key
        self._memory = TextMemory[tuple[Found, ...]](key, entries=entries)
        self._redactor = Redactor(key, entries=entries)
        self._reader = PartReader((*own, *detectors), self._memory, AllowedValues(settings.allow))
        self._start_s = start_s

    def parts(self, request: Request) -> Parts | None:
        """All that there is to judge, with its hashes; None after an error."""
        try:
            return tuple(request_parts(request, self._memory.digest))
        except Exception:  # noqa: BLE001 — fails closed: what cannot be taken apart is unsure
            return None

    def unread(self, parts: Parts | None) -> int:
        """Characters that have to be read; the others are remembered."""
        return self._reader.unread(parts or ())

    def inspect(self, request: Request, *, agent_sensitive: bool) -> Verdict:
        """As `inspection`, the verdict alone."""
        return self.inspection(request, self.parts(request), agent_sensitive=agent_sensitive).verdict

    def inspection(
        self,
        request: Request,
        parts: Parts | None,
        *,
        agent_sensitive: bool,
        allowed: Collection[bytes] = frozenset(),
    ) -> Inspected:
        """The verdict on a request of these parts; never raises. `why` is a word without the private text: "asked",
        "agent", "key", "unsure". `allowed` are hashes of values that are no findings here.
        """
        asked = "asked" if request.sensitive else "agent" if agent_sensitive else ""
        if not asked and self._images_stay and any(message.media for message in request.messages):
            asked = "image"
        if parts is None:
            return Inspected(verdict=Verdict(sensitive=True, why=asked or "unsure"))
        try:
            private = tuple(self._private(parts, allowed))
            findings = tuple(islice(_findings(private), MOST_FINDINGS))
            why = asked or (KINDS[findings[0].kind].why if findings else "")
        except Exception:  # noqa: BLE001 — fails closed: a detector's bug must keep the prompt here, not send it out
            return Inspected(verdict=Verdict(sensitive=True, why=asked or "unsure"))
        return Inspected(verdict=Verdict(sensitive=bool(why), why=why, findings=findings), private=private)

    def redact(self, request: Request, verdict: Verdict) -> Redaction | None:
        """As `redaction`."""
        inspection = self.inspection(request, self.parts(request), agent_sensitive=False)
        return self.redaction(request, replace(inspection, verdict=verdict))

    def redaction(
        self, request: Request, inspection: Inspected, *, allowed: Collection[bytes] = frozenset()
    ) -> Redaction | None:
        """`request` with placeholders for all that its `inspection` found; None where it still may not leave.

        It stays here where the gate finds something in the result, where a value can still be read in it, where it has
        images, which are not read, and after any error.
        """
        private = inspection.private
        if not private or any(message.media for message in request.messages):
            return None

        def find(text: str) -> Iterator[Detection]:
            for kind, start, end, value, _ in self._reader.find(text, Allowance(self._start_s)):
                if value not in allowed:
                    yield Detection(kind, start, end)

        try:
            if any(found.cut for each in private for found in each.found):
                return None
            redaction = self._redactor.redact(request, find)
            parts = tuple(request_parts(redaction.request, self._memory.digest))
            remaining = next(self._private(parts, allowed), None)
            shown = self._redactor.shows(redaction, parts)
        except Exception:  # noqa: BLE001 — fails closed, as `inspection` does
            return None
        return redaction if remaining is None and not shown and len(redaction.values) else None

    def _private(self, parts: Parts, allowed: Collection[bytes]) -> Iterator[PrivatePart]:
        allowance = Allowance(self._start_s)
        for part in parts:
            found = self._reader.read(part, allowance)
            if found and allowed:
                found = tuple(each for each in found if each.value not in allowed)
            if found:
                yield PrivatePart(part, found)


def _findings(private: Sequence[PrivatePart]) -> Iterator[Finding]:
    for part, found in ((each.part, found) for each in private for found in each.found):
        start, end = (found.start, found.end) if part.kind == "text" else (0, 0)
        yield Finding(kind=found.kind, message=part.message, start=start, end=end)
