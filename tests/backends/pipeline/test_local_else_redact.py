"""With privacy.action local-else-redact a sensitive prompt leaves only where no local engine can answer, redacted."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.rehearsal.faults import Fault
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.privacy import PrivacyAction
from tests.core import ask, prompt, stand

TEXT = "write to maria.kowalska@wp.pl that the parcel is there"
KEYED = "deploy with the key AKIAQ3EGTFN5LVXWBZ7P please"


def acting(settings: Settings, secrets: PrivacyAction, personal: PrivacyAction) -> Settings:
    agents = {"far": Agent(policy="prefer-cloud", secrets=secrets, personal=personal)}
    return replace(settings, agents=settings.agents | agents)


@pytest.mark.parametrize("local_is_down", [False, True])
async def test_it_leaves_only_where_no_local_engine_can_answer(home: Path, local_is_down: bool) -> None:
    async with stand(home, change=lambda settings: acting(settings, "local", "local-else-redact")) as it:
        if local_is_down:
            it.ollama.behaviour = replace(it.ollama.behaviour, faults=(Fault(kind="status", status=500, times=None),))
        _, outcome = await ask(it.core, prompt(TEXT, agent="far"))
        assert outcome.engine == ("cloud" if local_is_down else "local")
        sent = "".join(seen.body.decode() for seen in it.gemini.seen)
        assert ("[[EMAIL_1]]" in sent) == local_is_down
        assert "maria" not in sent


async def test_a_secret_beside_personal_data_is_under_the_stricter_rule(home: Path) -> None:
    async with stand(home, change=lambda settings: acting(settings, "local", "redact")) as it:
        _, alone = await ask(it.core, prompt(TEXT, agent="far"))
        _, both = await ask(it.core, prompt(f"{TEXT}; {KEYED}", agent="far"))
        many = "\n".join(f"m{number}.kowalska@wp.pl" for number in range(100))
        _, last = await ask(it.core, prompt(f"{many}\n{KEYED}", agent="far"))
        assert (alone.engine, both.engine, last.engine) == ("cloud", "local", "local")
