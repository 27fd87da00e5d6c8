"""The product as a client meets it: a gateway on a port of its own, the core behind it, and the twins behind that."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from backends.rehearsal.behaviour import TwinModel
from backends.rehearsal.process import twins
from backends.settings.model import Settings
from backends.settings.money import Budget
from tests.clients.dictation import Dictated
from tests.core import Stand, policy, served, stand

CLOUD = "gemini-3.5-flash-lite"
SMALL_WINDOW = 4_096


@dataclass
class ClientGateway:
    """`url` is what a user gives a client as its base URL."""

    url: str
    stand: Stand


def rules(settings: Settings) -> Settings:
    """Agents, each for one thing: their names are the model names that the tests use."""
    engines = settings.engines
    local, cloud = replace(engines["local"], context=SMALL_WINDOW), replace(engines["cloud"], model=CLOUD)
    settings = replace(settings, engines=engines | {"local": local, "cloud": cloud})
    settings = policy(policy(settings, "scout", "local"), "writer", "cloud")
    settings = policy(settings, "vault", "cloud", sensitive=True)
    settings = policy(policy(settings, "hasty", "cloud", deadline_s=0.4), "poor", "cloud")
    spent = Budget(scope="agent:poor", limit_usd=Decimal(0), on_exceeded="refuse")
    return replace(settings, budgets=(spent,))


@asynccontextmanager
async def client_gateway(home: Path, change: Callable[[Settings], Settings] = rules) -> AsyncIterator[ClientGateway]:
    """A running gateway whose engines do what the prompts dictate."""
    async with twins() as pair:
        pair.ollama.script, pair.ollama.answerer, pair.gemini.script = Dictated(), Dictated(), Dictated()
        behaviour = pair.gemini.behaviour
        if behaviour.model(CLOUD) is None:
            models = (TwinModel(name=CLOUD, context=1_048_576), *behaviour.models)
            pair.gemini.behaviour = replace(behaviour, models=models)
        async with stand(home, change=change, pair=pair) as it, served(it, change) as url:
            yield ClientGateway(f"{url}/v1", it)
