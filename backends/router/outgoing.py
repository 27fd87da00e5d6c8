"""What of a request an engine is sent: local all of it, the cloud only what placeholders leave where it is private."""

from msgspec.structs import replace

from backends.router.privacy.redact import Redaction
from backends.types import Classes, EngineName, Request


def outgoing(
    engine: EngineName, request: Request, classes: Classes, redaction: Redaction | None
) -> tuple[Request, Classes]:
    """The request in the form that `engine` may see, and its classes with that form's length."""
    if engine == "local" or redaction is None:
        return request, classes
    return redaction.request, replace(classes, input_tokens=redaction.input_tokens, most_tokens=redaction.most_tokens)
