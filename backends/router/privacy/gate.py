"""The gate: labels first, then patterns over all that an engine would read. Whatever goes wrong means sensitive."""

from collections.abc import Iterator

from backends.router.privacy import assignments, connections, contacts, logins, national_ids, payment, secrets
from backends.router.privacy.hit import Detector
from backends.router.privacy.operator import OperatorRules
from backends.router.privacy.parts import Part, parts
from backends.settings import Privacy
from backends.types import Finding, Request, Verdict

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

    Costs about 0.1 ms for a short prompt, and linear time for a long one (benchmarks/routing.md): call it in a thread
    for prompts beyond some 64 KiB.
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
        for part in parts(request):
            for detector in self._detectors:
                for hit in detector(part.text):
                    yield _finding(part, hit.kind, hit.start, hit.end)


def _finding(part: Part, kind: str, start: int, end: int) -> Finding:
    if not part.in_text:
        start = end = 0
    return Finding(kind=kind, message=part.message, start=start, end=end)


def _first(findings: Iterator[Finding], most: int) -> Iterator[Finding]:
    for _, finding in zip(range(most), findings, strict=False):
        yield finding
