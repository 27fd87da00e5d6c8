"""The ask of a request, told from what an agent's program puts around it."""

from backends.types import OUTSIDE, Envelope, Request, Span, SpanKind


class EnvelopeReader:
    """Pure but for what it has learned of each agent's earlier requests; safe to call from any thread."""

    def read(self, request: Request) -> Envelope:
        """Which text asks, and what the others are. Never raises for any text."""
        asked = _last_user(request)
        spans = [
            Span(kind=_kind(request, index, asked), message=index, start=0, end=len(message.text))
            for index, message in enumerate(request.messages)
        ]
        return Envelope(
            ask=request.messages[asked].text if asked != OUTSIDE else request.ask,
            message=asked,
            spans=tuple(spans),
            continues=request.messages[-1].role == "tool",
        )


def _last_user(request: Request) -> int:
    """The last user message with text, OUTSIDE where there is none."""
    places = range(len(request.messages) - 1, -1, -1)
    spoken = (at for at in places if request.messages[at].role == "user" and request.messages[at].text.strip())
    return next(spoken, OUTSIDE)


def _kind(request: Request, index: int, asked: int) -> SpanKind:
    role = request.messages[index].role
    if role == "system":
        return "system"
    if role == "tool":
        return "tool-result"
    return "ask" if index == asked else "history"
