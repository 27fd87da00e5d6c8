"""What of a request an engine is sent: local all of it, the cloud only what placeholders leave where it is private."""

from msgspec.structs import replace

from backends.pipeline.engine_call import model_asked
from backends.privacy.redact import Redaction
from backends.types import Classes, Request
from backends.upstream.engine_slot import EngineSlot


def outgoing(
    slot: EngineSlot, request: Request, classes: Classes, redaction: Redaction | None
) -> tuple[Request, Classes]:
    """The request in the form that this engine may see, and its classes with the length that the engine will count."""
    request, classes = uncorrected(slot, request, classes, redaction)
    model = model_asked(request, slot.name, slot.settings)
    tokens = slot.ratios.corrected(request.agent, model, classes.input_tokens)
    return request, classes if tokens == classes.input_tokens else replace(classes, input_tokens=tokens)


def uncorrected(
    slot: EngineSlot, request: Request, classes: Classes, redaction: Redaction | None
) -> tuple[Request, Classes]:
    """The same with the length as the text alone has it."""
    if slot.name == "local" or redaction is None:
        return request, classes
    return redaction.request, replace(classes, input_tokens=redaction.input_tokens, most_tokens=redaction.most_tokens)
