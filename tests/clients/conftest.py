"""One client's process for each module, and a gateway for each test."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.clients.expectations")

from tests.clients.client_gateway import ClientGateway, client_gateway  # noqa: E402 — rewriting must be asked for before the first import
from tests.clients.program import Program  # noqa: E402


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The module's COMMAND, running. A client that is not installed skips its module, and says what installs it."""
    command: list[str] = request.module.COMMAND
    if shutil.which(command[0]) is None or not Path(command[-1]).exists():
        pytest.skip(f"{command[0]} is not there: `make {request.module.INSTALLED_BY}` installs this client")
    program = Program(*command, folder=tmp_path_factory.mktemp("client"))
    yield program
    program.close()


@pytest.fixture
async def at(home: Path) -> AsyncIterator[ClientGateway]:
    async with client_gateway(home) as opened:
        yield opened
