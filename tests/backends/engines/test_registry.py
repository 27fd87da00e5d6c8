import subprocess
import sys

from backends.engines import registry
from backends.engines.gemini import GeminiClient
from backends.engines.ollama import OllamaClient
from backends.engines.openai import OpenAIClient
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.settings.engines import GeminiSettings, OllamaSettings, OpenAISettings
from backends.settings.model import Settings
from tests.backends.engines.rig import CALL, CLOUD_CALL, KEY, answer, failure


def settings(
    local: str, cloud: str | None = None, kind: type[OllamaSettings | OpenAISettings] = OllamaSettings
) -> Settings:
    return Settings(engines={"local": kind(base_url=local), "cloud": GeminiSettings(base_url=cloud)})


async def test_both_engines_answer(ollama_twin: OllamaTwin, gemini_twin: GeminiTwin) -> None:
    engines = registry.build(settings(ollama_twin.url, gemini_twin.url), keys={"cloud": KEY})
    await engines.prepare()
    assert (await answer(engines["local"][0], CALL)).finished is not None
    assert (await answer(engines["cloud"][0], CLOUD_CALL)).finished is not None
    await engines.close()


async def test_without_a_key_there_is_a_cloud_engine_that_says_so() -> None:
    engines = registry.build(settings("http://127.0.0.1:9"), keys={})
    await engines.prepare()
    assert (await failure(engines["cloud"][0], CLOUD_CALL)).kind == "key"
    await engines.close()


def test_the_kind_names_the_local_engine() -> None:
    ollama = registry.build(settings("http://127.0.0.1:9"), keys={})
    other = registry.build(settings("http://127.0.0.1:9", kind=OpenAISettings), keys={})
    assert isinstance(ollama["local"][0], OllamaClient)
    assert isinstance(other["local"][0], OpenAIClient)
    assert isinstance(ollama["cloud"][0], GeminiClient)


def test_neither_building_nor_importing_brings_in_an_sdk() -> None:
    script = (
        "import sys\nfrom backends.engines import registry\nfrom backends.settings.model import Settings\n"
        "assert not {'httpx', 'aiohttp'} & set(sys.modules), 'import'\n"
        "registry.build(Settings(), keys={'cloud': 'k'})\n"
        "assert not {'ollama', 'google.genai'} & set(sys.modules), 'build'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
