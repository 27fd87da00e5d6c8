"""The gate: labels first, then patterns over all that an engine would read. Whatever goes wrong means sensitive."""

import re
from collections.abc import Iterator
from time import thread_time

from backends.router.privacy import assignments, connections, contacts, logins, national_ids, payment, secrets
from backends.router.privacy.hit import Detector
from backends.router.privacy.operator import OperatorRules
from backends.router.privacy.parts import Part, parts
from backends.settings import Privacy
from backends.types import Finding, Request, Verdict

WINDOW, OVERLAP = 1 << 16, 1 << 11
"""Characters; nothing looked for is longer than the overlap and told only by its end."""

BLANK = re.compile(r"\s")

MIB = 1 << 20
START_S, MIB_S = 0.5, 1.0
"""CPU seconds that an inspection may take at all, and more for each MiB."""

MOST_FINDINGS = 32
"""Findings kept; the verdict stands after the first."""

WHY = {
    "api-key": "key",
    "aws-key": "key",
    "private-key": "private key",
    "jwt": "token",
    "connection-string": "password",
    "email": "e-mail",
    "national-id": "national id",
    "iban": "bank account",
}
"""Kinds whose plain word differs from their name."""


class PrivacyGate:
    """Says whether a request may leave the machine.

    Costs a fraction of a millisecond for a short prompt and linear time for a long one (benchmarks/routing.md): call it
    in a thread for prompts beyond some 64 KiB. A text that takes more than its share of time is unsure, so sensitive.
    """

    def __init__(self, settings: Privacy) -> None:
        """Raises WrongSettings for a pattern that does not compile."""
        self._detectors: tuple[Detector, ...] = (
            OperatorRules(settings.words, settings.patterns).find,
            secrets.find,
            connections.find,
            assignments.find,
            logins.find,
            payment.find,
            national_ids.find,
            contacts.find,
        )

    def inspect(self, request: Request, *, agent_sensitive: bool) -> Verdict:
        """The verdict; never raises. `why` is a word without the private text: "asked", "agent", "key", "unsure"."""
        asked = "asked" if request.sensitive else "agent" if agent_sensitive else ""
        try:
            findings = tuple(_first(self._findings(request), MOST_FINDINGS))
        except Exception:  # noqa: BLE001 — fails closed: a detector's bug must keep the prompt here, not send it out
            return Verdict(sensitive=True, why=asked or "unsure")
        if not findings:
            return Verdict(sensitive=bool(asked), why=asked)
        return Verdict(sensitive=True, why=asked or WHY.get(findings[0].kind, findings[0].kind), findings=findings)

    def _findings(self, request: Request) -> Iterator[Finding]:
        spent = thread_time()
        allowed = 0.0
        for part in parts(request):
            allowed += len(part.text) / MIB
            for offset, window in windows(part.text):
                for detector in self._detectors:
                    for hit in detector(window):
                        yield _finding(part, hit.kind, offset + hit.start, offset + hit.end)
                    if thread_time() - spent > START_S + allowed * MIB_S:
                        raise TimeoutError


def windows(text: str) -> Iterator[tuple[int, str]]:
    """A long text in overlapping pieces, each with its offset, so that the time can be looked at between them."""
    start = 0
    while len(text) - start > WINDOW + OVERLAP:
        yield start, text[start : start + WINDOW + OVERLAP]
        start += WINDOW
        gap = BLANK.search(text, start, start + OVERLAP // 2)
        start = gap.start() if gap is not None else start
    yield start, text[start:]


def _finding(part: Part, kind: str, start: int, end: int) -> Finding:
    if not part.in_text:
        start = end = 0
    return Finding(kind=kind, message=part.message, start=start, end=end)


def _first(findings: Iterator[Finding], most: int) -> Iterator[Finding]:
    for _, finding in zip(range(most), findings, strict=False):
        yield finding
