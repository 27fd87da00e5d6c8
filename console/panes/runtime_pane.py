"""Pane 1, the runtime: GPUs, each engine with its queue, the models in memory and the host."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Size

from backends.text.measures import UNKNOWN, count, gigabytes, percent, share, size
from backends.text.terminal_safe import safe
from backends.text.times import clock, seconds, short_age
from backends.text.usd import usd_cents
from backends.types import (
    CLOUD,
    LOCAL,
    ZERO,
    Action,
    EngineName,
    EngineState,
    Gpu,
    GpuReading,
    HostReading,
    InFlight,
    LoadedModel,
    QuotaState,
    RuntimeReading,
)
from console.keys import Keys
from console.messages import RunAction
from console.palette_actions import NamedAction, drains, model_actions
from console.present.charts import meter, sparkline
from console.present.empty_states import not_read, not_recorded
from console.present.engine_health import engine_health
from console.present.frame import PaneBody
from console.present.history_charts import Sampled, below, has_charts
from console.present.spans import BLANK, Row, Span, Tone, cell, clip, dimmed, paragraph, row, span, spread, width
from console.present.symbols import served
from console.state import ViewState
from console.widgets.pane import Pane


class RuntimePane(Pane):
    NUMBER: ClassVar[int] = 1
    TITLE: ClassVar[str] = "Runtime"
    LIVE_ONLY: ClassVar[frozenset[str]] = frozenset({"drain", "models"})
    KEYS: ClassVar[Keys] = (("d", "drain"), ("l", "load/unload"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "drain", "drain an engine, or take it back into use"),
        Binding("l", "models", "load, warm or unload a model"),
    ]

    def action_drain(self) -> None:
        """Choose the engine that gets no new requests, or gets them again."""
        choices = list(drains(self.state))
        self._choose("Drain", choices, [choice.action.engine or "" for choice in choices])

    def action_models(self) -> None:
        """Choose what is loaded, warmed or unloaded."""
        choices = list(model_actions(self.state))
        self._choose("Models in memory", choices, [choice.name for choice in choices])

    def _choose(self, title: str, choices: Sequence[NamedAction], names: Sequence[str]) -> None:
        from console.overlays.choice import ChoiceOverlay, first_letters

        if choices:
            self.app.push_screen(ChoiceOverlay(title, choices, first_letters(names)), self._run)

    def _run(self, action: Action | None) -> None:
        if action is not None:
            self.post_message(RunAction(action))

    def body(self, state: ViewState, size: Size) -> PaneBody:
        return PaneBody(runtime_body(state, size.width, size.height))

    def summary(self, state: ViewState) -> Row:
        return calls_summary(state)


LABEL = 8  # cells of a section's name
IN_DETAIL = 2  # engines that are shown in detail; more of them become a table
OLD_S = 60.0  # seconds after its last answer from which an engine's speed is old
LONGEST_NAME, NARROWEST_NAME = 14, 6  # cells of an engine's name
_GPU_STATES: dict[str, str] = {
    "no-gpu": "no GPU: models run on the CPU",
    "no-driver": "no NVIDIA driver found",
    "no-permission": "no permission to read the GPU",
    "lost": "▲ the GPU is gone",
    "stalled": "▲ the driver does not answer",
    "failed": "▲ the GPU cannot be read",
    "off": "off: telemetry.gpu is false",
}


def runtime_body(state: ViewState, cells: int, room: int) -> list[Row]:
    """Every section, and where there is room charts below them in place of the sections' own sparklines."""
    rows = runtime_rows(state, cells, sparklines=False)
    if has_charts(cells, room - len(rows) - 1) and (charts := _charts(state)):
        return below(rows, state, charts, cells, room)
    return runtime_rows(state, cells)


def _charts(state: ViewState) -> list[Sampled]:
    gpus = state.gpu.gpus if state.gpu is not None else ()
    tone: Tone = "dim" if "gpu" in state.stale else LOCAL
    used = [
        Sampled(f"gpu {gpu.index}", state.history.get(f"gpu.{gpu.index}.utilisation", ()), tone, 100.0, whole_percent)
        for gpu in gpus
    ]
    waiting, speed = (tuple(_of_local(state, key)) for key in ("queue", "tokens_per_s"))
    cpu = Sampled("cpu", state.history.get("host.cpu", ()), "text", 100.0, whole_percent)
    return [
        *used,
        Sampled("waiting", waiting, "warn"),
        Sampled("tok/s", speed, LOCAL),
        *(() if used else (cpu,)),
    ]


def whole_percent(value: float) -> str:
    return f"{value:.0f}%"


def _of_local(state: ViewState, key: str) -> Sequence[float | None]:
    """The sum of a series over the engines in the local zone."""
    return _added([state.history.get(f"{key}.{each.name}", ()) for each in state.engines if each.zone == LOCAL])


def runtime_rows(state: ViewState, cells: int, *, sparklines: bool = True) -> list[Row]:
    """Every section in order; a section whose samples stopped is dim and says since when."""
    if not state.recorded:
        return not_recorded(cells)
    return [
        *_aged(_gpus(state, cells, sparklines=sparklines), state, "gpu", state.gpu),
        BLANK,
        *_engines(state, cells, sparklines=sparklines),
        BLANK,
        *_aged(_models(state, cells), state, "runtime", state.runtime),
        BLANK,
        *_aged(_host(state, cells), state, "host", state.host),
    ]


def calls_summary(state: ViewState) -> Row:
    waiting = sum(engine.waiting for engine in state.engines)
    running = sum(engine.in_flight for engine in state.engines)
    return row(
        span(f"{waiting}", "strong"), span(" waiting · ", "dim"), span(f"{running}", "strong"), span(" running", "dim")
    )


def _aged(
    rows: list[Row], state: ViewState, part: str, reading: GpuReading | HostReading | RuntimeReading | None
) -> list[Row]:
    if part not in state.stale or reading is None:
        return rows
    return [*map(dimmed, rows), _labelled("", span(f"stale since {clock(reading.at)}", "warn"))]


def _labelled(name: str, *spans: Span) -> Row:
    return row(span(f"{name:<{LABEL}}", "dim"), *spans)


def _gpus(state: ViewState, cells: int, *, sparklines: bool) -> list[Row]:
    reading = state.gpu
    if reading is None:
        return [_labelled("gpu", not_read(state))]
    rows: list[Row] = []
    if reading.state != "ok":
        tone: Tone = "bad" if reading.state in ("lost", "stalled", "failed") else "text"
        rows.append(_labelled("gpu", span(_GPU_STATES[reading.state], tone)))
        rows += [_labelled("", *line) for line in paragraph(reading.detail, cells - LABEL, "dim")]
    for gpu in reading.gpus:
        series = state.history.get(f"gpu.{gpu.index}.utilisation", ()) if sparklines else ()
        rows += _gpu(gpu, series, cells, alone=len(reading.gpus) == 1)
    return rows


def _gpu(gpu: Gpu, series: Sequence[float | None], cells: int, *, alone: bool) -> list[Row]:
    room = cells - LABEL
    head = _labelled(f"gpu {gpu.index}", span(gpu.name, "text"))
    rows = [spread(head, row(span(percent(gpu.utilisation_pct), "strong")), cells)]
    if series:
        line = sparkline(series, room, top=100.0)
        rows.append(_labelled("", span(line, LOCAL)))
    vram = gigabytes(gpu.memory_used_b, gpu.memory_total_b)
    used = None
    if gpu.memory_used_b is not None and gpu.memory_total_b:
        used = gpu.memory_used_b / gpu.memory_total_b
    rows.append(_labelled("  vram", *meter(used, max(4, room - len(vram) - 1)), span(" "), span(vram)))
    watts = UNKNOWN if gpu.power_w is None else f"{gpu.power_w:.0f}"
    top = f"/{gpu.power_limit_w:.0f}" if gpu.power_limit_w is not None else ""
    degrees = UNKNOWN if gpu.temperature_c is None else f"{gpu.temperature_c:.0f}"
    hot: Tone = "warn" if gpu.temperature_c is not None and gpu.temperature_c >= 83 else "text"
    rows.append(_labelled("", span(f"{degrees} °C", hot), span("   "), span(f"{watts}{top} W")))
    if gpu.processes is None:
        rows.append(_labelled("", span("processes –", "dim")))
    for process in (gpu.processes or ())[: 4 if alone else 2]:
        held = size(process.memory_b)
        rows.append(spread(_labelled("", span(f"{process.name} {process.pid}", "dim")), row(span(held, "dim")), cells))
    return rows


def _engines(state: ViewState, cells: int, *, sparklines: bool) -> list[Row]:
    """Up to two engines with all that is known of them; more of them as a table with one line each."""
    if not state.engines:
        rows = [_labelled("queue", span("no engine", "bad"))]
    elif len(state.engines) > IN_DETAIL:
        rows = _engine_table(state, cells)
    else:
        rows = [
            line for index, each in enumerate(state.engines) for line in _engine_details(each, state, index == 0, cells)
        ]
    for name, key in (("  depth", "queue"), ("  tok/s", "tokens_per_s")) if sparklines else ():
        series = _of_local(state, key)
        if any(series):
            rows.append(_labelled(name, span(sparkline(series, cells - LABEL), LOCAL)))
    calls = [call for call in state.in_flight if call.stage != "waiting"][:4]
    for call in calls:
        text = row(span("  "), cell(call.agent, 11), cell(call.stage, 10, "dim"), _call_model(call, state))
        rows.append(spread(_labelled("", *text), row(span(clock(call.started_at), "dim")), cells))
    return rows


def _added(histories: Sequence[Sequence[float | None]]) -> Sequence[float | None]:
    """The sum of several series, aligned at their newest points; unknown where none of them is known."""
    longest = max(map(len, histories), default=0)
    padded = [(*(None,) * (longest - len(series)), *series) for series in histories if series]
    return [
        sum(known) if (known := [value for value in values if value is not None]) else None
        for values in zip(*padded, strict=True)
    ]


def _engine_table(state: ViewState, cells: int) -> list[Row]:
    """A line for each engine, below it what is wrong with it; columns go from the right where there is no room."""
    spent = state.spend.by_engine if state.spend else {}
    columns = [*_COLUMNS]
    name = min(LONGEST_NAME, max(cell_len(safe(engine.name)) for engine in state.engines))
    while columns and 4 + NARROWEST_NAME + sum(column.cells for column in columns) > cells:
        columns.pop()
    name = max(1, min(name, cells - 4 - sum(column.cells for column in columns)))
    heads = (cell(column.head, column.cells, "dim", right=True) for column in columns)
    rows: list[Row] = [row(cell("engines", 4 + name, "dim"), *heads)]
    for engine in state.engines:
        named = cell(served(engine.name, engine.zone).text, name + 1, engine.zone)
        figures = (_figure(column, engine, spent) for column in columns)
        rows.append(row(span(" "), engine_health(engine, state).symbol, span(" "), named, *figures))
        rows += [row(span("    "), *line) for line in _trouble(engine, state, cells - 4)]
    waiting = Counter[str]()
    for engine in state.engines:
        waiting.update(engine.waiting_by_agent)
    return [*rows, *(row(span("    "), *line) for line in _waiting_agents(waiting, cells - 4))]


class _EngineColumn(Struct, frozen=True):
    head: str
    cells: int
    draw: Callable[[EngineState, Mapping[str, Decimal]], Span]


_COLUMNS = (
    _EngineColumn("running", 8, lambda engine, _: span(f"{engine.in_flight}/{engine.parallel}")),
    _EngineColumn("waiting", 8, lambda engine, _: span(f"{engine.waiting}", "strong" if engine.waiting else "dim")),
    _EngineColumn("tok/s", 7, lambda engine, _: span(_speed(engine), "strong")),
    _EngineColumn("today", 9, lambda engine, spent: span(_spent(engine, spent), "dim")),
)


def _figure(column: _EngineColumn, engine: EngineState, spent: Mapping[str, Decimal]) -> Span:
    text, tone = column.draw(engine, spent)
    return cell(text, column.cells, tone, right=True)


def _spent(engine: EngineState, spent: Mapping[str, Decimal]) -> str:
    """What an engine in the cloud cost today; nobody bills for one in the local zone."""
    return usd_cents(spent.get(engine.name, ZERO)) if engine.zone == CLOUD else UNKNOWN


def _speed(engine: EngineState) -> str:
    return f"{engine.tokens_per_s:.1f}" if engine.tokens_per_s else UNKNOWN


def _engine_details(engine: EngineState, state: ViewState, first: bool, cells: int) -> list[Row]:
    wait = f"~{seconds(engine.predicted_wait_s)}" if engine.predicted_wait_s else ""
    waiting, room, running = _queue_words(cells)
    left = _labelled(
        "queue" if first else "",
        engine_health(engine, state).symbol,
        span(" "),
        cell(engine.name, max(6, min(LONGEST_NAME, cell_len(safe(engine.name)) + 1)), engine.zone),
        span(f"{engine.waiting}", "strong" if engine.waiting else "text"),
        cell(f"{waiting}{wait}", max(room, len(waiting + wait) + 1), "dim"),
        span(f"{engine.in_flight}/{engine.parallel}"),
        span(running, "dim"),
    )
    old = _answered_ago(engine, state) >= OLD_S
    rows = [spread(left, row(span(_speed(engine), "dim" if old else "strong"), span(" tok/s", "dim")), cells)]
    details = [*_trouble(engine, state, cells - LABEL - 2), *_quota(engine, cells - LABEL - 2)]
    details += _waiting_agents(engine.waiting_by_agent, cells - LABEL - 2)
    if engine.reported_waiting:
        details.append(row(span(f"{engine.reported_waiting} more in the engine's own queue", "warn")))
    return [*rows, *(_labelled("", span("  "), *line) for line in details)]


def _queue_words(cells: int) -> tuple[str, int, str]:
    """The words after the number of waiting calls, the cells for them and the wait, the word after the running ones."""
    if cells >= 58:
        return " waiting ", 16, " running"
    return (" wait ", 13, "") if cells >= 46 else (" ", 8, "")


def _trouble(engine: EngineState, state: ViewState, cells: int) -> list[Row]:
    """What is wrong with it in one row, our words first, and how long ago it gave its last good answer, unless that is
    a moment ago.
    """
    known = engine_health(engine, state)
    ago = _answered_ago(engine, state)
    answered = f"last answer {short_age(ago)} ago" if ago >= OLD_S else ""
    if not known.words:
        return [row(span(answered, "dim"))] if answered else []
    words = known.told(state.now)
    if engine.health == "up" and engine.will_miss:
        oldest = f" · the oldest waits for {seconds(engine.oldest_wait_s)}" if engine.oldest_wait_s else ""
        words = f"{engine.will_miss} will miss their deadline{oldest}"
    line = row(span(words, known.symbol.tone), span(f" · {answered}" if answered else "", "dim"))
    told = f" · {engine.detail}" if engine.detail and engine.health != "up" else ""
    if known.words == "stopped":
        told = " by the operator: no requests go there"
    return [row(*line, Span(clip(safe(told), max(0, cells - width(line))), "dim"))]


def _answered_ago(engine: EngineState, state: ViewState) -> float:
    """Seconds since its last good answer; 0 where there was none yet."""
    if engine.answered_at is None or state.now is None:
        return 0.0
    return (state.now - engine.answered_at).total_seconds()


def _waiting_agents(waiting: Mapping[str, int], cells: int) -> list[Row]:
    by_agent = sorted(waiting.items(), key=lambda item: (-item[1], item[0]))
    return paragraph(" · ".join(f"{agent} {number}" for agent, number in by_agent), cells) if by_agent else []


def _quota(engine: EngineState, cells: int) -> list[Row]:
    """The calls of the provider's day against its limits where they are known, and when a used-up quota resets."""
    lines = []
    if engine.reopens_at is not None:
        lines += paragraph(f"daily quota resets at {clock(engine.reopens_at, minutes=True)}", cells, "warn")
    for quota in engine.quota:
        day, minute = _of(quota, "day", quota.day_requests), _of(quota, "minute", quota.minute_requests)
        tokens = f"{quota.day_input_tokens:,} tokens read"
        lines += paragraph(f"{quota.model}: {day} calls today, {minute} in the last minute, {tokens}", cells, "dim")
    return lines


def _of(quota: QuotaState, window: str, sent: int) -> str:
    """How many requests, of how many where that is known."""
    limits = [known.limit for known in quota.limits if (known.window, known.metric) == (window, "requests")]
    return f"{sent:,} of {limits[0]:,}" if limits and limits[0] is not None else f"{sent:,}"


def _call_model(call: InFlight, state: ViewState) -> Span:
    """The model that a call runs on; of a simulated engine what answers in its place."""
    return span(_simulated_by(call.engine, state) or call.model, call.zone)


def _simulated_by(engine: EngineName, state: ViewState) -> str:
    known = state.engine(engine)
    return known.label if known is not None and known.simulated else ""


def _models(state: ViewState, cells: int) -> list[Row]:
    """The models in the memory of each engine; where there are several engines, each behind its name."""
    runtimes = state.runtimes
    if not runtimes:
        return [_labelled("models", not_read(state))]
    rows: list[Row] = []
    for engine, reading in runtimes.items():
        name = f"{clip(safe(engine), LONGEST_NAME)}  " if len(runtimes) > 1 else ""
        if reading.models and (simulated := _simulated_by(engine, state)):
            rows += paragraph(f"{name}rehearsal: {simulated}, in place of", cells - LABEL, "warn")
        rows += _engine_models(name, reading, cells - LABEL)
    return [_labelled("models" if index == 0 else "", *line) for index, line in enumerate(rows)]


def _engine_models(name: str, reading: RuntimeReading, cells: int) -> list[Row]:
    """`name` is empty for the only engine; of several engines, the table of engines says why one does not answer."""
    if not reading.reachable:
        why = "does not answer" if name else reading.detail or "the engine does not answer"
        return paragraph(f"○ {name}{why}", cells, "bad")
    if not reading.models:
        return [row(*_name(name), span("none in memory; the first call loads one", "dim"))]
    return [line for model in reading.models for line in _model(name, model, cells)]


def _name(engine: str) -> Row:
    return (span(engine, LOCAL),) if engine else ()


def _model(engine: str, model: LoadedModel, cells: int) -> list[Row]:
    where = UNKNOWN
    tone: Tone = "text"
    if model.vram_b is not None and model.size_b:
        where = "CPU" if model.vram_b == 0 else f"{share(model.vram_b, model.size_b)} GPU"
        tone = "text" if model.vram_b >= model.size_b else "warn"
    context = f"   context {count(model.context)}" if model.context else ""
    until = f"   until {clock(model.expires_at, minutes=True)}" if model.expires_at else ""
    name = row(*_name(engine), span(model.name, "strong"))
    facts = row(span(size(model.size_b)), span(f"{context}{until}", "dim"))
    return [spread(name, row(span(where, tone)), cells), facts]


def _host(state: ViewState, cells: int) -> list[Row]:
    reading = state.host
    if reading is None:
        return [_labelled("host", not_read(state))]
    load = UNKNOWN if reading.load_1m is None else f"{reading.load_1m:.2f}"
    first = _labelled(
        "host", span("cpu ", "dim"), span(f"{percent(reading.cpu_pct):>5}"), span("   load ", "dim"), span(load)
    )
    down, up = size(reading.net_received_bps), size(reading.net_sent_bps)
    net = row(span("net ", "dim"), span(f"↓ {down}/s  ↑ {up}/s"))
    rows = [spread(first, net, cells)] if width(first) + width(net) + 1 <= cells else [first, _labelled("", *net)]
    return [
        *rows,
        _room("  mem", reading.memory_used_b, reading.memory_total_b, cells),
        _room("  disk", reading.disk_used_b, reading.disk_total_b, cells),
    ]


def _room(name: str, used: int | None, whole: int | None, cells: int) -> Row:
    text = gigabytes(used, whole)
    portion = used / whole if used is not None and whole else None
    return _labelled(name, *meter(portion, max(4, cells - LABEL - len(text) - 1)), span(" "), span(text))
