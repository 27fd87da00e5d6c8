import aiohttp
import httpx
import pytest

from backends.errors import EngineErrorKind
from tests.backends.engines.rig import CLOUD_ENDPOINT, LOCAL_ENDPOINT


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
    here, there = LOCAL_ENDPOINT.no_response(raised), CLOUD_ENDPOINT.no_response(raised)
    assert (here.kind, here.billed) == (local, False)
    assert (there.kind, there.billed) == (cloud, billed)
    assert CLOUD_ENDPOINT.no_response(cause).kind == cloud
