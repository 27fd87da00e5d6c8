"""The alerts pane: what a person should see, newest first, each with what to do."""

from console.present.figures import clock
from console.present.rows import Row, Tone, paragraph, row, span
from console.state import ViewState


def alerts(state: ViewState, cells: int) -> list[Row]:
    if not state.alerts:
        return [row(span("● ", "good"), span("nothing to see to", "dim"))] if cells < 60 else _calm()
    rows: list[Row] = []
    for alert in sorted(state.alerts, key=lambda alert: alert.at, reverse=True):
        tone: Tone = "bad" if alert.level == "alert" else "warn"
        lead = row(span("▲ ", tone), span(clock(alert.at), "dim"), " ")
        text = paragraph(alert.text, max(1, cells - 11), tone)
        remedy = paragraph(alert.remedy, max(1, cells - 11), "dim")
        rows += [
            row(*(lead if index == 0 else (span(" " * 11),)), *line) for index, line in enumerate([*text, *remedy])
        ]
    return rows


def summary(state: ViewState) -> Row:
    return row(span(f"▲{len(state.alerts)}", "warn")) if state.alerts else ()


def _calm() -> list[Row]:
    text = "nothing to see to; engines that fail, budgets that end and prompts that were cut appear here"
    return [row(span("● ", "good"), span(text, "dim"))]
