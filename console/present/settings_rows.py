"""The line above the prompt: what it is sent with, as far as that differs from the agent's rules, and where it would go
at what cost. A second line where one has no room for both."""

from collections.abc import Sequence

from msgspec import Struct

from backends.text.measures import UNKNOWN, count
from backends.text.times import seconds
from backends.text.usd import about_usd
from backends.types import Explanation
from console.bench.attachments import Attachment
from console.bench.prompt_settings import PromptSettings
from console.bench.slash_commands import SlashLine, command
from console.present.chat_rows import engine_label, reasons_text
from console.present.spans import Row, row, span, width
from console.present.symbols import served
from console.state import ViewState

NARROW = 70
"""Cells of a pane below which the price stands before the model's name."""

ESTIMATE_CELLS = 48
"""Cells that place and price of a prompt need; with fewer they stand in a line of their own."""


class Prospect(Struct, frozen=True):
    """Where the prompt would go, known before it is sent; or a line that says why that is unknown."""

    explanation: Explanation | None = None
    line: str | None = None


def settings_rows(
    settings: PromptSettings, attachments: Sequence[Attachment], prospect: Prospect | None, state: ViewState, cells: int
) -> list[Row]:
    """`as scout · auto · temp .2 → ▌local qwen2.5:14b · ~310 tok · 0 · ~2 s · trend .21 · policy local`."""
    start: Row = (span(f"as {settings.agent} · {settings.engine}", "dim"),)
    changed = [*settings.differences(), *(f"+ {each.label}" for each in attachments)]
    if changed:
        start = (*start, span(" · ", "dim"), span(" · ".join(changed), "strong"))
    if settings.sensitive:
        start = (*start, span(" · ", "dim"), span("sensitive: stays local", "strong"))
    if prospect is None or not (prospect.line or prospect.explanation):
        return [start]
    if prospect.explanation:
        arrow, goes = span(" → ", "dim"), _estimate(prospect.explanation, settings, state, cells)
    else:
        arrow, goes = span(" · ", "dim"), row(span(prospect.line or "", "warn"))
    if (changed or cells < NARROW) and width(start) + ESTIMATE_CELLS > cells:
        return [start, (span("→ ", "dim") if prospect.explanation else span("  "), *goes)]
    return [(*start, arrow, *goes)]


def command_row(line: SlashLine, fitting: Sequence[str]) -> Row:
    """What a slash command does while it is typed; the names that it may become."""
    found = command(line.name)
    if found is not None:
        return row(span(f"/{found.name} {found.argument}".strip(), "strong"), span(f"  {found.help}", "dim"))
    names = "  ".join(f"/{name}" for name in fitting)
    return row(
        span(names or f"There is no command /{line.name}. A blank before it makes it text.", "dim" if names else "warn")
    )


def _estimate(explanation: Explanation, settings: PromptSettings, state: ViewState, cells: int) -> Row:
    """Where it goes, what it takes and why. In a narrow pane the price comes before the model's name."""
    estimate = explanation.estimate
    tokens = f"~{count(explanation.classes.input_tokens)}" if explanation.classes else UNKNOWN
    latency = UNKNOWN if estimate.latency_ms is None else f"~{seconds(estimate.latency_ms / 1000)}"
    figures = f" · {tokens} tok · {about_usd(estimate.cost_usd)} · {latency}"
    remarks = [f"without {', '.join(explanation.ignored)}"] if explanation.ignored else []
    if settings.model and settings.model != explanation.model:
        remarks.insert(0, f"not {settings.model}")
    warned = (span(f" · {' · '.join(remarks)}", "warn"),) if remarks else ()
    model, figures_row = span(engine_label(explanation.engine, explanation.model, state)), span(figures, "dim")
    return row(
        served(explanation.engine, explanation.zone),
        *((figures_row, span(" · ", "dim"), model) if cells < NARROW else (span(" "), model, figures_row)),
        *warned,
        span(f" · {reasons_text(explanation)}", "dim"),
    )
