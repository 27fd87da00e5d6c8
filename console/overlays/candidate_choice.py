"""The candidates of a comparison: space takes one or leaves it, arrows set how hard it thinks, enter sends."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from textual.events import Key

from backends.text.times import seconds
from backends.text.usd import about_usd
from backends.types import ZERO, Effort, EngineState, Explanation, Route
from console.bench.compare_candidates import FEWEST, MOST, CompareCandidate, Comparing
from console.bench.prompt_settings import EFFORTS
from console.overlays.overlay import PASTED_KEY, Overlay
from console.present.spans import BLANK, Row, cell, paragraph, row, span
from console.present.symbols import served

VISIBLE = 10
LISTED = 200
"""Candidates that may be offered, doubled ones among them."""
LONGEST_NAME, LONGEST_MODEL = 16, 34
_THINKS: tuple[Effort | None, ...] = (None, *EFFORTS)


class CandidateChoice(Overlay[Comparing]):
    """Dismissed with what to compare, or None. `explanation` is the prompt's, for what each would cost and take."""

    def __init__(
        self,
        models: Sequence[tuple[Route, str]],
        chosen: Sequence[CompareCandidate],
        engines: Sequence[EngineState],
        *,
        explanation: Explanation | None,
        typed_by_hand: Callable[[], bool],
    ) -> None:
        known = [CompareCandidate(engine, model) for engine, model in models[:LISTED]]
        self._candidates = [*chosen, *(each for each in known if each not in chosen)]
        self._taken = [index < len(chosen) for index in range(len(self._candidates))]
        self._engines = {engine.name: engine for engine in engines}
        self._figures = _figures(explanation)
        self._by_hand = typed_by_hand
        self._cache = False
        self._at = 0
        self._trouble = ""
        super().__init__("Compare", self._rows)

    def on_key(self, event: Key) -> None:
        self._trouble = ""
        count = max(1, len(self._candidates))
        match event.key:
            case "up" | "down":
                self._at = (self._at + (1 if event.key == "down" else -1)) % count
            case "space":
                self._take()
            case "left" | "right":
                self._think(1 if event.key == "right" else -1)
            case "d":
                self._double()
            case "c":
                self._cache = not self._cache
            case "enter":
                self._submit()
            case _:
                return
        self.consume(event)
        self.sheet_changed()

    def _take(self) -> None:
        if not self._candidates:
            return
        if not self._taken[self._at] and sum(self._taken) >= MOST:
            self._trouble = f"A comparison has at most {MOST} candidates"
        else:
            self._taken[self._at] = not self._taken[self._at]

    def _think(self, steps: int) -> None:
        if self._candidates:
            it = self._candidates[self._at]
            effort = _THINKS[(_THINKS.index(it.effort) + steps) % len(_THINKS)]
            self._candidates[self._at] = CompareCandidate(it.engine, it.model, effort)

    def _double(self) -> None:
        """The same engine and model once more, to compare it with itself under another thinking setting."""
        if self._candidates and len(self._candidates) < LISTED:
            self._candidates.insert(self._at + 1, self._candidates[self._at])
            self._taken.insert(self._at + 1, False)

    def _submit(self) -> None:
        taken = tuple(each for each, taken in zip(self._candidates, self._taken, strict=True) if taken)
        if not self._by_hand():
            self._trouble = PASTED_KEY
        elif len(taken) < FEWEST:
            self._trouble = f"Take {FEWEST} candidates or more with space"
        else:
            self.dismiss(Comparing(taken, self._cache))

    def _rows(self, cells: int) -> list[Row]:
        name = min(LONGEST_NAME, max((len(each.engine) for each in self._candidates), default=0) + 2)
        rows: list[Row] = []
        top = max(0, min(self._at - VISIBLE // 2, len(self._candidates) - VISIBLE))
        for index in range(top, min(top + VISIBLE, len(self._candidates))):
            rows.append(self._row(index, name, cells))
        if not rows:
            rows += paragraph("No engine is known yet.", cells, "dim")
        rows += [BLANK, self._total()]
        note = (
            "space takes or leaves a candidate, ← → sets how hard it thinks, d doubles it, "
            "c switches the cache, enter sends the prompt to all that are taken, esc closes."
        )
        trouble = paragraph(self._trouble, cells, "warn") if self._trouble else []
        return [*rows, *trouble, BLANK, *paragraph(note, cells, "dim")]

    def _row(self, index: int, name: int, cells: int) -> Row:
        it, now = self._candidates[index], index == self._at
        engine = self._engines.get(it.engine)
        by = served(it.engine, engine.zone) if engine is not None else span(it.engine)
        cost, latency_s = self._figures.get((it.engine, it.model), (None, None))
        cost_text = "" if cost is None else about_usd(cost)
        figures = f"{cost_text}{'' if latency_s is None else f'  ~{seconds(latency_s)}'}"
        return row(
            span("▸ " if now else "  ", "focus"),
            span("[x] " if self._taken[index] else "[ ] ", "strong" if self._taken[index] else "dim"),
            cell(by.text, name, by.tone),
            cell(it.model, min(LONGEST_MODEL, max(8, cells - name - 34)), "strong" if now else "text"),
            cell(f" think {it.effort}" if it.effort else "", 14, "dim"),
            span(figures, "dim"),
        )

    def _total(self) -> Row:
        taken = [each for each, taken in zip(self._candidates, self._taken, strict=True) if taken]
        costs = [self._figures.get((each.engine, each.model), (None, None))[0] for each in taken]
        unknown = sum(cost is None for cost in costs)
        money = about_usd(sum((cost for cost in costs if cost is not None), ZERO))
        rest = f", {unknown} of unknown price" if unknown else ""
        cache = "on" if self._cache else "off: each answers afresh"
        return row(span(f"{len(taken)} candidates · {money}{rest} · cache {cache}", "text"))


def _figures(explanation: Explanation | None) -> dict[tuple[Route, str], tuple[Decimal | None, float | None]]:
    """What each candidate of a decision is expected to cost and take in seconds."""
    if explanation is None:
        return {}
    found = {(each.engine, each.model): (each.cost_usd, _s(each.latency_ms)) for each in explanation.alternatives}
    estimate = explanation.estimate
    found[explanation.engine, explanation.model] = (estimate.cost_usd, _s(estimate.latency_ms))
    return found


def _s(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
