"""What the help says: each key in a sentence, and each symbol and figure of a pane."""

from collections.abc import Mapping, Sequence

from console.keys import Keys

EVERYWHERE: Keys = (
    ("1 … 7", "Show or focus a pane. F1 … F7 do so while you type a prompt, too."),
    ("tab", "Go to the next pane."),
    ("z, F10", "Give the pane the whole screen; again to take it back. F10 works while you type a prompt, too."),
    ("↑ ↓ PgUp PgDn", "Scroll, or move the cursor. Home goes back to the newest."),
    ("space", "Pause the pane so that you can read it; again to continue with the newest."),
    ("S", "Stop all cloud spend: new requests go to local engines or are refused. You are asked. Again to resume."),
    ("B", "Change the limit of a budget, for good, for an hour or for a day. A raise is asked about."),
    ("u", "Undo the last action. You are asked where it was another operator's, or longer ago than a minute."),
    ("t", "Go to the last incident: every pane shows that moment of the past."),
    ("g", "Go to a time of day that you type, as 12:22. ctrl+p takes one, too."),
    ("← →", "Go a minute back or forth in time; with shift ten minutes."),
    ("end, esc", "Be live again."),
    ("T", "Take the next theme."),
    ("?", "Open this help. Type to find a key, a symbol or a figure in it."),
    ("ctrl+p", "Find every action by its name."),
    ("ctrl+q", "Quit. Where the core runs in this console and somebody needs it, you are asked whether it stays."),
)

SENTENCES: Mapping[tuple[str, str], str] = {
    ("Routing", "enter"): "Explain the decision: what the ask was, every candidate, and what would change the choice.",
    ("Routing", "s"): "Show the sessions instead: the conversations of agents, with their context and cost.",
    ("Routing", "p"): "Pin the agent of this request to one engine, from its next request on, or unpin it.",
    ("Runtime", "d"): "Drain an engine: new requests go elsewhere. Again to take it back. You choose by its letter.",
    ("Runtime", "l"): "Load, warm or unload a model of a local engine. You choose by a letter.",
    ("Routing", "P"): "Pause the agent of this request: all of its requests get 429. Again to resume. You are asked.",
    ("Routing", "X"): "Cancel all requests of this agent that run or wait. You are asked first.",
    ("Routing", "e"): "Change the agent's policy, dial or model while all runs, for an hour, a day or for good.",
    ("Routing", "x"): "Cancel this request while it runs. Its client is told so.",
    ("Routing", "/"): "Show only the requests whose row contains what you type. Escape shows all again.",
    ("Routing", "+/-"): "Say that the answer was good or bad. `claw route train` learns from it.",
    ("Routing", "a"): "Show or hide the table of agents above the requests.",
    ("Routing, sessions", "enter"): "Show the whole session with its last requests.",
    ("Routing, sessions", "s"): "Go back to the decisions.",
    ("Routing, sessions", "r"): "Let a paused session go on. You are asked first.",
    ("Routing, sessions", "P"): "Pause the session: its requests get 429 until it is resumed. You are asked first.",
    ("Routing, sessions", "/"): "Show only the sessions whose row contains what you type.",
    ("Routing, sessions", "p"): "Pin the agent of this session to one engine.",
    ("Cache", "f"): "Delete every stored answer. You are asked first.",
    ("Spend", "v"): "Show what was saved in 30 days and what would save most.",
    ("Spend", "b"): "Set the limit of a budget.",
    ("Alerts", "enter"): "Show everything that is known of the alert, with the provider's own words.",
    ("Alerts", "a b c"): "Act as the alert under the cursor says beside the letter.",
    ("Alerts", "y"): "Acknowledge: somebody has seen it. It stays until it is over. Again to take that back.",
    (
        "Alerts",
        "e",
    ): "Change the threshold from which on this is an alert, for an hour or as you say. It falls back by itself.",
    ("Alerts", "t"): "Go back to when it began: every pane shows that moment.",
    ("Timeline", "← →"): "Go a minute back or forth: every pane shows that moment.",
    ("Timeline", "⇧← ⇧→"): "Go ten minutes back or forth.",
    ("Timeline", "d"): "Show the last hour or the last day.",
    ("Timeline", "t"): "Go to the last incident.",
    ("Timeline", "g"): "Go to a time of day, as 12:22: every pane shows how it was then.",
    ("Alerts", "m"): "Silence it for an hour: no push, and no place at the top. Again to hear it.",
}
"""Sentences by heading and key. A key without one is explained by its short name in the footer."""

HEADER: Keys = (
    ("●", "The engine answers, and in time."),
    ("◐", "It answers badly or not for all: its calls fail, it is silent, its queue is too long, or it is drained."),
    ("○", "It is down or stopped. The words behind it say why and for how long."),
    ("–", "Not known yet. In figures `–` is unknown, and `0` is zero."),
    ("$1.42/$5", "What the day's budget was charged, of its limit. ━ was spent, ╍ is reserved for calls that run."),
    ("✗ 100 % failed", "The share of requests that no engine answered, in the last 90 seconds."),
    (
        "▲2 since 12:20",
        "Alerts that stand, and since when the worst do: ▲ critical, △ warnings, ⊘ silenced.",
    ),
    ("14:03", "The core's time. It has seconds while something is wrong."),
    ("REHEARSAL", "Engines are simulated, with a ledger of their own: nothing here costs money or calls a provider."),
    ("CLOUD STOPPED", "Somebody stopped cloud spend. The alerts say who and since when; S resumes it."),
    ("PAST", "All panes show an earlier moment. `end` goes back to now."),
    ("CORE LOST", "The core went away: figures are the last known ones. The console reconnects by itself."),
)

FIGURES: Mapping[str, Keys] = {
    "Runtime": (
        ("gpu 0 … %", "How busy the GPU was, and the chart of its last minutes."),
        ("vram", "The GPU's memory in use, of all. Yellow from 85 %, red from 95 %."),
        ("waiting ~2.4 s", "Requests in the engine's queue, and how long the next one will wait."),
        ("2/2 running", "Calls that run, of those that may run at once."),
        ("tok/s", "Tokens a second of the last answers; `–` before the first."),
        ("last answer … ago", "When the engine gave its last good answer."),
        ("100 % GPU", "How much of the model lies in the GPU's memory; the rest is slow."),
        ("stale since", "No new sample came since then: the figures are old and dim."),
    ),
    "Routing": (
        ("▌", "A local engine answered."),
        ("▐", "A cloud engine answered."),
        ("=exact", "The cache answered the same prompt again; =alike one that means the same."),
        ("✗", "No engine answered. The row says why; it is in no share of answers."),
        ("when", "Seconds ago in the first minute, then the time of day."),
        ("cplx", "How complex the ask is, from 0 to 1."),
        ("why", "The rule that decided, such as the agent's policy or a quality below what the dial asks for."),
        ("ms", "From the request to the end of the answer; `stream`, `called` and `waits` while it runs."),
        ("cost", "What the request cost; ≈ where the engine reported no usage and it was counted here."),
        ("refused today", "Requests that a limit or a rule refused before any engine was called."),
    ),
    "Cache": (
        ("hit", "Of all look-ups the share that the cache answered."),
        ("exact, semantic", "Answers to the same prompt, and to one that means the same."),
        ("shared", "Requests that waited for the same call instead of making it again."),
        ("prefix", "Of today's input the share that engines had in their own prefix caches, at a tenth of the price."),
        ("wrong", "Of semantic hits the share that was wrong, measured by asking again, and between which bounds."),
        ("near misses", "Prompts that were alike, and what stopped the cache from answering them."),
    ),
    "Spend": (
        ("all-cloud", "What the same requests would have cost in the cloud with nothing cached."),
        ("−71 %", "What that saves. Requests that failed save nothing."),
        ("end ~", "What the month will cost, and between which bounds with 90 % probability."),
        ("reserved ╍", "Held for calls that run, at their worst case."),
        ("▁▂▃", "An agent's spend in each of the last hours."),
    ),
    "Alerts": (
        ("▲ △", "New: ▲ is critical, △ a warning."),
        ("✓", "Acknowledged: somebody has seen it."),
        ("⊘", "Silenced for a while."),
        ("◌", "Over. Those of the last 7 days stay in the list."),
        ("12:22:01  1 m 30", "Since when, and for how long."),
        ("80 req  11 agents", "Requests and agents that it touched so far, and what it cost."),
        ("retry in 21 s", "When something is tried again by itself."),
    ),
    "Timeline": (
        ("req/min", "Requests in each step of time; the figure at the left is the top of the scale."),
        ("failed", "Requests that no engine answered."),
        ("▲ △", "A critical alert began at that time, or a warning; the bar is for how long it stood."),
        ("·", "Not known: the core did not run, or nothing was measured."),
    ),
    "Chat": (
        (
            "▌local ~310 tok",
            "Where the prompt would go, how long it is, what it would cost and how long it would take.",
        ),
        ("❯", "Your prompt. Enter sends it."),
        ("temp .2", "What the prompt is sent with, as far as it differs from its agent's rules."),
        ("without …", "A setting that this engine cannot honour."),
        ("3rd in the queue", "Where an answer stands that has not begun, for how long, and what is usual."),
        ("first, whole", "Seconds to the first word and to the end of an answer."),
        ("tok/s", "Tokens of the answer for each second after its first word; `–` where that is not known."),
        ("checked", "A check of the answer ran. Without the word, none did."),
        ("▸", "The candidate that is copied, rated and gone on from."),
        ("OSC 52", "How a terminal gets what is copied. It never says whether it took it."),
    ),
}
"""Symbols and figures by pane."""


def sections(focused: str, panes: Sequence[tuple[str, Keys]]) -> list[tuple[str, Keys]]:
    """All that the help has: the focused pane's keys and figures first, then those of everywhere, then the others."""
    told = [
        (heading, tuple((key, SENTENCES.get((heading, key), what)) for key, what in keys)) for heading, keys in panes
    ]
    mine = [section for section in told if section[0].partition(",")[0] == focused]
    others = [section for section in told if section not in mine]
    figures = [(f"What {focused} shows", FIGURES[focused])] if focused in FIGURES else []
    rest = [(f"What {name} shows", keys) for name, keys in FIGURES.items() if name != focused]
    return [*mine, *figures, ("Everywhere", EVERYWHERE), ("The first row", HEADER), *others, *rest]


def matching(found: Sequence[tuple[str, Keys]], wanted: str) -> list[tuple[str, Keys]]:
    """The entries that contain `wanted`, in their sections; all of a section whose heading does."""
    needle = wanted.casefold()
    kept = [
        (heading, tuple(each for each in keys if needle in f"{heading} {each[0]} {each[1]}".casefold()))
        for heading, keys in found
    ]
    return [(heading, keys) for heading, keys in kept if keys]
