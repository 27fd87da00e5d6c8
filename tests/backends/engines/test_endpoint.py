import aiohttp
import httpx
import pytest

from backends.engines.endpoint import Endpoint
from backends.errors import EngineErrorKind

LOCAL = Endpoint(base_url="http://127.0.0.1:11434/x", label="Ollama", remedy="start it", billed=False)
CLOUD = Endpoint(base_url="https://g.example", label="Gemini", remedy="check the network", billed=True)


@pytest.mark.parametrize(
    ("cause", "local", "cloud", "billed"),
    [
        (aiohttp.ConnectionTimeoutError(), "unavailable", "unavailable", False),
        (aiohttp.SocketTimeoutError(), "timeout", "timeout", True),
        (aiohttp.ServerDisconnectedError(), "unavailable", "cut", True),
        (aiohttp.ClientOSError(104, "reset"), "unavailable", "cut", True),
        (aiohttp.ClientError("?"), "protocol", "protocol", True),
    ],
)
def test_what_became_of_a_request_without_a_response(
    cause: Exception, local: EngineErrorKind, cloud: EngineErrorKind, billed: bool
) -> None:
    raised = httpx.ConnectTimeout("mapped")
    raised.__cause__ = cause
    here, there = LOCAL.no_response(raised), CLOUD.no_response(raised)
    assert (here.kind, here.billed) == (local, False)
    assert (there.kind, there.billed) == (cloud, billed)
    assert CLOUD.no_response(cause).kind == cloud
