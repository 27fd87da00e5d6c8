"""Where an answer stands that has not begun: its place in the queue, how long it waits, what is usual."""

from backends.text.measures import UNKNOWN
from backends.text.times import seconds
from backends.types import Explanation, InFlight
from console.present.spans import Row, row, span
from console.state import ViewState


def waiting_text(call: InFlight | None, waited_s: float, explanation: Explanation | None, state: ViewState) -> str:
    """`3rd in the queue of local, 12 s, about 40 s in all`, `local has it, 4 s, usually 2.1 s to the first word`."""
    waited = "" if waited_s < 1 else f", {seconds(waited_s)}"
    if call is None:
        return f"sent{waited}"
    if call.stage == "waiting":
        if call.position is None:
            return f"waits for {call.engine}{waited}"
        weighed = explanation.weighed if explanation is not None else None
        expected = weighed.wait_s if weighed is not None else None
        whole = "" if expected is None else f", about {seconds(expected)} in all"
        return f"{ordinal(call.position)} in the queue of {call.engine}{waited}{whole}"
    if call.stage == "called":
        engine = state.engine(call.engine)
        usual = seconds(engine.usual_s if engine is not None else None)
        expected_text = "" if usual == UNKNOWN else f", usually {usual} to the first word"
        return f"{call.engine} has it{waited}{expected_text}"
    return "answering"


def waiting_row(text: str) -> Row:
    return row(span(f"… {text} · ", "dim"), span("esc cancels", "dim"))


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
