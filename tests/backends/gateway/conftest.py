"""A gateway on a free port over a scripted core."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from backends.settings.loading import load
from backends.settings.model import Settings
from tests.backends.gateway.running_gateway import RunningGateway, running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that `claw serve` runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(tmp_path / "absent.toml", {}).settings


@pytest.fixture
async def gateway(core: ScriptedCore, settings: Settings) -> AsyncIterator[RunningGateway]:
    async with running_gateway(core, settings) as found:
        yield found
