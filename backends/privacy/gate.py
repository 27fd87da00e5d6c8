"""The gate: labels first, then detectors over all texts that an engine would read. Any error means sensitive."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from time import thread_time

from backends.off_loop import check_wanted
from backends.privacy.detection import Detection, Detector
from backends.privacy.detectors.internal_hosts import InternalHosts
from backends.privacy.detectors.kinds import DETECTORS, KINDS
from backends.privacy.detectors.operator_rules import OperatorRules
from backends.privacy.redact import Redaction, redact
from backends.privacy.request_texts import RequestText, joined_texts, request_texts
from backends.privacy.views import views
from backends.settings.privacy import Privacy
from backends.types import LOCAL, Finding, Request, Verdict

WINDOW, OVERLAP = 1 << 14, 1 << 11
"""Characters; nothing that is detected is longer than the overlap and known only by its end. A pattern holds Python's
lock while it runs over a window, and a thread that waits for the lock waits no longer than that.
"""

BLANK = re.compile(r"\s")

MIB = 1 << 20
START_S, MIB_S = 0.5, 2.0
"""CPU seconds for an inspection, and for each MiB of its texts."""

APART = 256
"""Characters that are added to each text's length: twenty thousand messages of two letters take a second."""

MOST_FINDINGS = 32
"""Findings kept; the verdict stands after the first."""


class PrivacyGate:
    """Says whether a request may leave the machine.

    Costs a fraction of a millisecond for a short prompt and linear time for a long one
    (benchmarks/evaluation/routing.md): call it in a thread for prompts beyond some 64 KiB. An inspection that takes too
    long is unsure, so the request is sensitive.
    """

    def __init__(
        self, settings: Privacy, *, detectors: Sequence[Detector] = DETECTORS, start_s: float = START_S
    ) -> None:
        """Raises ValueError for a pattern that does not compile. `start_s`: CPU seconds for any inspection."""
        own: list[Detector] = []
        if settings.words or settings.patterns:
            own.append(OperatorRules(settings.words, settings.patterns).find)
        if settings.internal_hosts:
            own.append(InternalHosts(settings.internal_hosts).find)
        self._images_stay = settings.images == LOCAL
        self._detectors = (*own, *detectors)
        self._start_s = start_s

    def inspect(self, request: Request, *, agent_sensitive: bool) -> Verdict:
        """The verdict; never raises. `why` is a word without the private text: "asked", "agent", "key", "unsure"."""
        asked = "asked" if request.sensitive else "agent" if agent_sensitive else ""
        if not asked and self._images_stay and any(message.media for message in request.messages):
            asked = "image"
        try:
            findings = tuple(islice(self._findings(request), MOST_FINDINGS))
            why = asked or (KINDS[findings[0].kind].why if findings else "")
        except Exception:  # noqa: BLE001 — fails closed: a detector's bug must keep the prompt here, not send it out
            return Verdict(sensitive=True, why=asked or "unsure")
        return Verdict(sensitive=bool(why), why=why, findings=findings)

    def redact(self, request: Request, verdict: Verdict) -> Redaction | None:
        """`request` with placeholders for all findings; None where it still may not leave.

        It stays here where the gate finds something in the result, where a value can still be read in it, where it has
        images, which are not read, and after any error.
        """
        if not verdict.findings or any(message.media for message in request.messages):
            return None
        try:
            if self._straddled(request):
                return None
            redaction = redact(request, self._detect_alone)
            remaining = next(self._findings(redaction.request), None)
            shown = redaction.values.shown_in(part.text for part in request_texts(redaction.request))
        except Exception:  # noqa: BLE001 — fails closed, as `inspect` does
            return None
        return redaction if remaining is None and not shown and len(redaction.values) else None

    def _straddled(self, request: Request) -> bool:
        """Does a message end in the middle of something private, so that each half looks harmless?"""
        allowance = Allowance(self._start_s)
        return any(
            part.cuts(found) for part in joined_texts(request.messages) for found in self._detect(part.text, allowance)
        )

    def _detect_alone(self, text: str) -> Iterator[Detection]:
        return self._detect(text, Allowance(self._start_s))

    def _findings(self, request: Request) -> Iterator[Finding]:
        allowance = Allowance(self._start_s)
        for part in request_texts(request):
            for found in self._detect(part.text, allowance):
                if part.counts(found):
                    yield _finding(part, found)

    def _detect(self, text: str, allowance: "Allowance") -> Iterator[Detection]:
        """All that is private in one text, in no order, with offsets into it; stretches may overlap.

        Raises TimeoutError where the allowance is spent.
        """
        allowance.more(APART + len(text))
        seen: set[Detection] = set()
        for offset, piece in windows(text):
            for view in views(piece):
                for detector in self._detectors:
                    for detection in detector(view.window):
                        start, end = view.span(detection.start, detection.end)
                        found = Detection(detection.kind, offset + start, offset + end)
                        if found not in seen:
                            seen.add(found)
                            yield found
                    allowance.check()


class Allowance:
    """CPU seconds of one inspection. `check` raises TimeoutError when they are spent, Abandoned when nobody waits."""

    def __init__(self, start_s: float) -> None:
        self._began = thread_time()
        self._allowed_s = start_s

    def more(self, characters: int) -> None:
        self._allowed_s += characters / MIB * MIB_S

    def check(self) -> None:
        check_wanted()
        if thread_time() - self._began > self._allowed_s:
            raise TimeoutError


def windows(text: str) -> Iterator[tuple[int, str]]:
    """A long text in overlapping pieces, each with its offset, so that the time can be checked between them."""
    start = 0
    while len(text) - start > WINDOW + OVERLAP:
        yield start, text[start : start + WINDOW + OVERLAP]
        start += WINDOW
        gap = BLANK.search(text, start, start + OVERLAP // 2)
        start = gap.start() if gap is not None else start
    yield start, text[start:]


def _finding(part: RequestText, found: Detection) -> Finding:
    start, end = (found.start, found.end) if part.in_text else (0, 0)
    return Finding(kind=found.kind, message=part.message, start=start, end=end)
