"""Incidents that can be played at a rehearsed core: a scene for each alert condition that twins and fakes can cause.

A scene begins with what goes wrong and ends with what mends it. Its alert, its engine's colour and its header are what
an operator must see meanwhile.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct

from backends.rehearsal.incidents import QUOTA_MESSAGE, google_error
from benchmarks.evaluation.rehearsed_core import RehearsedCore

Step = Callable[[RehearsedCore], object]

SETTINGS = r"""
[cache]
semantic = false
[privacy]
words = ["Nightjar"]
[engines.local]
queue_limit = 10
[agents.sherlock]
deadline_s = 4
[[budgets]]
scope = "agent:intel"
window = "day"
limit_usd = "0.000001"
on_exceeded = "refuse"
[[budgets]]
scope = "agent:claw"
window = "day"
limit_usd = "0.00002"
on_exceeded = "alert"
"""
"""What the scenes need of claw.toml."""

HITS, MISSES = 280, 130
"""Look-ups that make an answer from the cache usual, and those that then miss: `alerts.hit_lookups` is 200."""


class Scene(Struct, frozen=True, kw_only=True):
    """`start` and `end` are what happens. `callers` ask as `agent` for `model` from then until the end. `key` is the
    alert's, `says` what is on its row, `header` a part of the header: regular expressions all. `engine` is the one that
    may not be green meanwhile. One whose alert `stays` ends later: at midnight, or minutes after its last request.
    """

    name: str
    key: str
    says: str
    start: tuple[Step, ...] = ()
    end: tuple[Step, ...] = ()
    model: str = "cloud"
    agent: str = "script"
    prompt: str = "say {number}"
    callers: int = 1
    header: str = "▲"
    engine: str = ""
    stays: bool = False


def claw(*words: str) -> Step:
    """A command of `claw`."""
    return lambda core: core.claw(*words)


def twin(engine: str, **changes: Any) -> Step:
    """An engine's twin behaves otherwise."""
    return lambda core: core.behave(engine, **changes)


def gpu(fault: str) -> Step:
    return lambda core: core.machine.nvml.fail(fault)


def machine(**values: float | None) -> Step:
    return lambda core: core.machine.put(**values)


def at_twin(name: str, says: str, key: str, *, engine: str = "cloud") -> Scene:
    """An incident of the rehearsal's own, by name."""
    return Scene(
        name=name,
        start=(claw("rehearse", name),),
        end=(RESET,),
        model=engine,
        says=says,
        header=rf"[◐○] {engine}",
        key=key,
        engine=engine,
    )


def by_hand(start: str, end: str, says: str, key: str, *, header: str = "▲", engine: str = "") -> Scene:
    """An operator's action, and what takes it back."""
    first, last = (claw("act", *words.split(), "--rehearse") for words in (start, end))
    return Scene(
        name=start, start=(first,), end=(last,), model="auto", says=says, header=header, key=key, engine=engine
    )


def fill_cache(core: RehearsedCore) -> None:
    """Make hits usual, and then look up what is not there."""

    def ask(of: object) -> None:
        core.ask(f"What is the capital of {of}?", model="cloud", agent="writer", cached=True)

    ask("France")
    with ThreadPoolExecutor(8) as callers:
        list(callers.map(ask, ["France"] * HITS))
        list(callers.map(ask, range(MISSES)))


def ask_often(core: RehearsedCore) -> None:
    """Let the cloud show its usual speed."""
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(lambda of: core.ask(f"how is {of}?", model="cloud", agent="script"), range(20)))


def ask_once(core: RehearsedCore) -> None:
    core.ask("how are you?", model="cloud", agent="script")


def refuse_settings(core: RehearsedCore) -> None:
    core.config.write_text(f"{core.config.read_text()}\n[nonsense]\n")
    core.claw("act", "reload", "--rehearse")


def mend_settings(core: RehearsedCore) -> None:
    core.config.write_text(core.config.read_text().replace("\n[nonsense]\n", ""))
    core.claw("act", "reload", "--rehearse")


RESET = claw("rehearse", "reset")
DAY_QUOTA = google_error(
    429,
    "RESOURCE_EXHAUSTED",
    QUOTA_MESSAGE,
    {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [
            {
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                "quotaDimensions": {"location": "global", "model": "gemini-3.5-flash-lite"},
                "quotaValue": "10",
            }
        ],
    },
)
ONCE_OVER_DAY_QUOTA = {"kind": "status", "status": 429, "times": 1, "body": DAY_QUOTA}
SWAPPED = {"name": "gemini-3.5-flash-lite", "context": 1_048_576, "answered_by": "gemini-3.5-flash"}
SLOW = {"tokens_per_s": 2.0}

LONG = (Scene(name="hits fell", start=(fill_cache,), says=r"the cache answers \d+", key="cache-hits", stays=True),)
CLOUD = (
    at_twin("C1", r"cloud: 429, minute quota 10/min", "engine:cloud:minute"),
    at_twin("C2", r"cloud: 429, day quota", "engine:cloud:day"),
    at_twin("C2b", r"cloud: 429(?!, day)", "engine:cloud:minute"),
    at_twin("C2c", r"cloud: 429, day quota", "engine:cloud:day"),
    at_twin("C3", r"cloud: 503", "engine:cloud"),
    at_twin("C3b", r"cloud: 500", "engine:cloud"),
    at_twin("C4", r"cloud: .*(heard nothing|gave up)", "engine:cloud:silent"),
    at_twin("C10", r"cloud: .*key", "engine:cloud:key"),
    at_twin("C10b", r"cloud: .*key", "engine:cloud:key"),
    at_twin("C10c", r"cloud: .*(key|account|suspended)", "engine:cloud:key"),
    at_twin("C10d", r"cloud: .*(key|region|location)", "engine:cloud:key"),
    at_twin("C11", r"cloud: .*gemini", "engine:cloud:model:gemini-3.5-flash-lite"),
    Scene(
        name="model swapped",
        start=(twin("cloud", models=[SWAPPED, {"name": "gemini-3.5-flash"}]),),
        end=(RESET,),
        says=r"gemini-3.5-flash-lite is answered by gemini-3.5-flash",
        key="model:gemini-3.5-flash-lite",
    ),
    Scene(
        name="slow",
        start=(ask_often, twin("cloud", first_token_s=2.6)),
        end=(RESET,),
        callers=6,
        says=r"cloud: first token after \d",
        header=r"◐ cloud",
        key="engine:cloud:slow",
        engine="cloud",
    ),
    Scene(
        name="day nearly used",
        start=(
            twin("cloud", faults=[ONCE_OVER_DAY_QUOTA]),
            lambda core: core.ask("x", model="cloud", agent="script"),
            RESET,
        ),
        says=r"cloud: \d+ of 10 calls of the day",
        key="quota:cloud:gemini-3.5-flash-lite",
        stays=True,
    ),
)
LOCAL = (
    at_twin("L1", r"local: full", "engine:local:full", engine="local"),
    at_twin("L5b", r"local: 500", "engine:local", engine="local"),
    Scene(
        name="spilled",
        start=(twin("local", vram_share=0.4),),
        end=(RESET,),
        model="local",
        says=r"local: .* has spilled to the CPU, 40 %",
        header=r"◐ local",
        key="spilled:local:.*",
        engine="local",
    ),
    Scene(
        name="queue filling",
        start=(twin("local", **SLOW),),
        end=(RESET,),
        model="local",
        callers=12,
        says=r"local: queue \d+ of 10",
        header=r"◐ local",
        key="queue:local:filling",
        engine="local",
    ),
    Scene(
        name="queue late",
        start=(twin("local", **SLOW),),
        end=(RESET,),
        model="local",
        agent="sherlock",
        callers=10,
        says=r"local: \d+ waiting",
        header=r"◐ local",
        key="queue:local",
        engine="local",
    ),
)
REQUESTS = (
    Scene(
        name="C3 and L5b",
        start=(claw("rehearse", "C3"), claw("rehearse", "L5b")),
        end=(RESET,),
        model="auto",
        says=r"no engine answers since \d\d:\d\d:\d\d",
        header=r"✗ \d+ % failed",
        key="no-engine",
        engine="cloud",
    ),
    Scene(
        name="errors of an agent",
        start=(claw("rehearse", "C3b"),),
        end=(RESET,),
        agent="coding",
        says=r"coding: \d+ of \d+ requests failed|\d+ of \d+ requests failed",
        header=r"✗ \d+ % failed",
        key="errors(:coding)?",
        engine="cloud",
    ),
    Scene(
        name="refused",
        end=(lambda core: core.ask("are you well?", model="auto", agent="infra"),),
        agent="infra",
        says=r"infra: \d+ requests refused",
        key="refused:infra",
    ),
    Scene(
        name="kept here",
        model="auto",
        agent="ada",
        prompt="remember Nightjar; say {number}",
        says=r"ada: .* kept on this machine by private data",
        key="privacy:ada:.*",
        stays=True,
    ),
    Scene(
        name="private and no local engine",
        start=(claw("rehearse", "L5b"),),
        end=(RESET,),
        model="auto",
        agent="classifier",
        prompt="what is Nightjar? {number}",
        says=r"classifier: its private requests may not leave",
        key="privacy-locked:classifier",
        engine="local",
        stays=True,
    ),
)
MONEY = (
    Scene(name="budget refuses", agent="intel", says=r"a budget refuses requests", key="budget-refuses", stays=True),
    Scene(
        name="budget used",
        agent="claw",
        says=r"budget agent:claw a day has reached \d+ %",
        key="budget:agent:claw:day:.*",
        stays=True,
    ),
    Scene(
        name="budget set",
        start=(claw("budget", "set", "agent:claw", "day", "9", "--for", "60m", "--rehearse"),),
        end=(claw("budget", "set", "agent:claw", "day", "default", "--rehearse"),),
        model="auto",
        says=r"budget agent:claw a day is \$9",
        key="budget-set:agent:claw:day",
    ),
)
HAND = (
    by_hand("stop-cloud", "resume-cloud", r"cloud .*stopped", "stopped:cloud", header="CLOUD STOPPED", engine="cloud"),
    by_hand("drain local", "undrain local", r"local is drained by", "drained:local", header="◐ local", engine="local"),
    by_hand("pause writer", "resume writer", r"writer .*paused", "paused:writer"),
    by_hand("set router.dial .3 --for 60m", "unset router.dial", r"router\.dial", "set:router.dial"),
)
MACHINE = (
    Scene(name="GPU hot", start=(gpu("hot"),), end=(gpu(""),), model="auto", says=r"GPU 0: 91 °C", key="gpu:0:hot"),
    Scene(
        name="GPU memory full",
        start=(gpu("full"),),
        end=(gpu(""),),
        model="auto",
        says=r"GPU 0: memory nearly full",
        key="gpu:0:memory",
    ),
    Scene(name="GPU lost", start=(gpu("lost"),), end=(gpu(""),), model="auto", says=r"a GPU is lost", key="gpu:lost"),
    Scene(
        name="disk nearly full",
        start=(machine(free_b=300_000_000),),
        end=(machine(free_b=None),),
        model="auto",
        says=r"disk nearly full: 0\.3 GB free",
        key="disk",
    ),
    Scene(
        name="ledger locked",
        start=(lambda core: core.lock_ledger(on=True),),
        end=(lambda core: core.lock_ledger(on=False),),
        model="auto",
        says=r"the ledger /",
        key="ledger",
    ),
    Scene(
        name="settings refused",
        start=(refuse_settings,),
        end=(mend_settings,),
        model="auto",
        says=r"claw\.toml was not taken",
        key="settings",
    ),
    Scene(
        name="clock jumped",
        start=(machine(jumped_s=90.0),),
        model="auto",
        says=r"the clock jumped forward by 90 s",
        key="clock",
        stays=True,
    ),
)
SCENES = (*CLOUD, *LOCAL, *REQUESTS, *MONEY, *HAND, *MACHINE)
"""In an order in which none is disturbed by what another leaves, those apart that are LONG."""
