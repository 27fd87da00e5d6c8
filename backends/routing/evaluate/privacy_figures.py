"""What the privacy gate finds in a labelled set, what it flags without need, and how far a flag can be trusted."""

from collections.abc import Iterator, Sequence

from backends.privacy import PrivacyGate
from backends.routing.evaluate.datasets import Row
from backends.routing.evaluate.figures import Figure, share
from backends.settings.privacy import Privacy

SECRETS = frozenset(
    ["api-key", "aws-key", "tailscale", "private-key", "jwt", "connection-string", "env", "password", "kubeconfig"]
)
"""`kinds` of a row that are secrets; the others are personal data."""

BOTH, HARMLESS = "secrets and personal data", "harmless"


def privacy_figures(dataset: str, rows: Sequence[Row], *, by_kind: bool) -> Iterator[Figure]:
    """Recall, false alarms and precision, all by row; `by_kind`: for each kind of row, and of each kind of finding how
    often its row is private.
    """
    found = [_kinds_found(row) for row in rows]
    flags = [bool(kinds) for kinds in found]
    yield from _recall(dataset, [_measured(row) for row in rows], flags)
    if not all(row.sensitive for row in rows):
        flagged = [bool(row.sensitive) for row, flag in zip(rows, flags, strict=True) if flag]
        yield share(dataset, BOTH, "precision", flagged)
    if not by_kind:
        return
    named = [(row, flag, name) for row, flag in zip(rows, flags, strict=True) for name in _kinds(row)]
    groups = [(name, "recall" if row.sensitive else "false alarms") for row, _, name in named]
    yield from _recall(dataset, groups, [flag for _, flag, _ in named])
    for kind in sorted(frozenset().union(*found)):
        private = [bool(row.sensitive) for row, kinds in zip(rows, found, strict=True) if kind in kinds]
        yield share(dataset, f"found as {kind}", "precision", private)


def _kinds_found(row: Row) -> frozenset[str]:
    """The kinds of findings in a row: read by a gate that has seen no other one."""
    gate, request = PrivacyGate(Privacy(), entries=0), row.request()
    inspection = gate.inspection(request, gate.parts(request), agent_sensitive=False)
    if inspection.verdict.sensitive and not inspection.kinds:
        return frozenset((inspection.verdict.why,))
    return inspection.kinds


def _recall(dataset: str, groups: Sequence[tuple[str, str]], flags: Sequence[bool]) -> Iterator[Figure]:
    hits: dict[tuple[str, str], list[bool]] = {}
    for group, flag in zip(groups, flags, strict=True):
        hits.setdefault(group, []).append(flag)
    for (of, measure), each in sorted(hits.items(), key=lambda item: item[0]):
        yield share(dataset, of, measure, each)


def _measured(row: Row) -> tuple[str, str]:
    """What a row counts for. One that does not say what it holds may hold a secret or personal data."""
    if not row.sensitive:
        return HARMLESS, "false alarms"
    if not row.kinds:
        return BOTH, "recall"
    return ("secrets" if SECRETS.intersection(row.kinds) else "personal data"), "recall"


def _kinds(row: Row) -> tuple[str, ...]:
    """The kinds that a row belongs to: its `kinds`, or its `kind` without the suite's name and the rule's number, so
    that `kingfisher.adafruitio.1` is one of adafruitio's; `PHONE_NUMBER+US_SSN` are two.
    """
    if row.kinds or not row.kind:
        return row.kinds
    parts = row.kind.split(".")
    vendor = parts[-2] if len(parts) > 1 and parts[-1].isdigit() else parts[-1]
    return tuple(vendor.split("+"))
