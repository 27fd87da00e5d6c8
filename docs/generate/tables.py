"""The tables of the documentation that are written from the code.

    python -m docs.generate.tables        what `make docs` runs

Each table stands between two comments, `<!-- settings … -->` and `<!-- /settings -->`; the rest of a page stays as it
is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from backends.gateway.dialects.openai_chat.chat_fields import FIELDS
from backends.monitoring import alerts
from backends.rehearsal.incidents import INCIDENTS
from backends.routing.quality.dial import Dial
from backends.settings.default_file import descriptions
from docs.generate import examples as decided
from docs.generate import proofs

FOLDER = Path(__file__).parents[1]

INTENTS = {
    "chat": ("small talk and quick questions", "Hi, how are you today?", "Thanks, that was helpful!"),
    "extraction": (
        "facts pulled out of material",
        "Extract all e-mail addresses from this text",
        "Pull the invoice number and total out of this letter",
    ),
    "classification": (
        "one label of a few",
        "Is this review positive or negative?",
        "Label this ticket as bug, question or feature",
    ),
    "summarising": ("the same, shorter", "Summarise this article in three sentences", "Give me a TL;DR of the meeting"),
    "translation": (
        "the same in another language",
        "Translate this contract into Polish",
        "How would a Spaniard say “the train is late”?",
    ),
    "rewriting": (
        "the same, in other words or another tone",
        "Make this e-mail sound more polite",
        "Fix the grammar in this paragraph",
    ),
    "creative-writing": (
        "new text for people to read",
        "Write a short poem about autumn rain",
        "Write the opening scene of a detective story",
    ),
    "coding": (
        "code to be written",
        "Write a Python function that parses cron lines",
        "Implement a REST endpoint for uploads in Go",
    ),
    "debugging": (
        "something broken, to be found and mended",
        "Why does this script fail with a KeyError?",
        "My container keeps crashing, here is the traceback",
    ),
    "maths-logic": (
        "to be worked out, with one right result",
        "What is 17 % of 2,340?",
        "Solve x² − 5x + 6 = 0 step by step",
    ),
    "planning": (
        "steps towards a goal",
        "Plan the migration of our database to a new host",
        "Make a study schedule for the next four weeks",
    ),
    "research": (
        "what is known, gathered and weighed",
        "Compare PostgreSQL and SQLite for small services",
        "What does the literature say about sleep and memory?",
    ),
    "audit": (
        "faults looked for in something that exists",
        "Audit this nginx config for security holes",
        "Review our firewall rules for open ports",
    ),
    "trend-analysis": (
        "what rises and falls",
        "What's trending around home labs this month?",
        "Spot emerging themes in this week's headlines",
    ),
    "health-check": (
        "whether a system is well",
        "Is the web server up?",
        "Are all services healthy and is disk space fine?",
    ),
    "tool-use": (
        "something to be done by a tool",
        "Send a message to the team channel that I am late",
        "Turn off the lights in the living room",
    ),
}
"""For each intent its meaning, then two prompts that are classified as it."""


def settings() -> str:
    """Every key of claw.toml, its built-in value, and what it means."""
    rows = [(f"`{key}`", f"`{value}`", _cell(meaning)) for key, value, meaning in descriptions()]
    return _table(("key", "built in", "meaning"), rows)


def intents() -> str:
    """The sixteen intents."""
    rows = [(name, meaning, f"{first} · {second}") for name, (meaning, first, second) in INTENTS.items()]
    return _table(("intent", "what is asked for", "as in"), rows)


def dial() -> str:
    """What settings of the dial make of mixed prompts."""
    scale = Dial.load()
    rows = []
    for step in (0.25, 0.5, 0.8, 0.9, 0.95):
        sent = scale.cloud_share(scale.threshold(step, "quality"))
        rows.append((f"{step:g}", f"{sent:.0%}", f"{step:.0%}"))
    return _table(("dial", "sent to the cloud by `quality`", "by `cloud-share`"), rows)


def examples() -> str:
    """Ten prompts as they are decided."""
    head = ("`claw explain`", "goes to", "intent", "because")
    return _table(head, [tuple(map(_cell, row)) for row in decided.table()])


def explained() -> str:
    """All that is said of one of them."""
    return f"```console\n{decided.in_full()}\n```\n"


def fields() -> str:
    """Every field of OpenAI's chat completions request, by the place where it stands."""
    rows = [
        (f"`{place}.{name}`".replace("`.", "`"), field.treatment, _cell(field.how))
        for place, found in FIELDS.items()
        for name, field in found.items()
    ]
    return _table(("field", "what becomes of it", "how"), rows)


def incidents() -> str:
    """What can be started at the twins in rehearsal."""
    return _table(("name", "what happens"), [(f"`{name}`", _cell(each.says)) for name, each in INCIDENTS.items()])


def alert_conditions() -> str:
    """Every alert of the core."""
    conditions = [each for each in vars(alerts).values() if isinstance(each, alerts.Condition)]
    rows = [(f"`{_cell(each.key)}`", each.severity, _cell(each.when)) for each in conditions]
    return _table(("alert", "severity", "when it holds"), rows)


def faults() -> str:
    """What may go wrong, what is done about it, and the tests that prove it."""
    proved = proofs.proofs()
    parts = []
    for group, rows in proofs.FAULTS.items():
        lines = [(id, _cell(row.happens), _cell(row.done), _tests(proved.get(id, []))) for id, row in rows.items()]
        parts.append(f"### {group}\n\n" + _table(("", "when", "then", "proved by"), lines))
    return "\n" + "\n".join(parts) + "\n"


def invariants() -> str:
    """What holds whatever happens, and the tests that prove it."""
    return _proved(proofs.INVARIANTS)


def security() -> str:
    """What keeps others out, and the tests that prove it."""
    return _proved(proofs.SECURITY)


def _proved(lines: Mapping[str, str]) -> str:
    proved = proofs.proofs()
    return _table(
        ("", "holds", "proved by"), [(id, _cell(line), _tests(proved.get(id, []))) for id, line in lines.items()]
    )


def _tests(found: Sequence[str]) -> str:
    """The names of a few tests and how many more there are; – where there is none."""
    names = [f"`{test.rpartition('::')[2]}`" for test in found[: proofs.SHOWN]]
    more = f" and {len(found) - len(names)} more" if len(found) > len(names) else ""
    return f"{', '.join(names)}{more}" if names else "–"


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "settings.md": {"settings": settings},
    "routing.md": {"intents": intents, "dial": dial, "examples": examples, "explained": explained},
    "clients.md": {"fields": fields},
    "rehearsal.md": {"incidents": incidents},
    "incidents.md": {"alerts": alert_conditions},
    "reliability.md": {"faults": faults, "invariants": invariants, "security": security},
}
"""For each page of docs/ its tables, and what makes them."""


def written(page: str, text: str) -> str:
    """`text` of `page` with its tables as they are now. Raises ValueError where the comments around one are missing."""
    return _with(text, PAGES[page])


def _with(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    for name, table in tables.items():
        parts = re.split(rf"(<!-- {name}\b[^>]*-->\n|<!-- /{name} -->)", text)
        if len(parts) != 5:
            raise ValueError(f"the text needs one pair of <!-- {name} --> and <!-- /{name} -->")
        text = "".join((*parts[:2], table(), *parts[3:]))
    return text


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    for page in PAGES:
        path = FOLDER / page
        path.write_text(written(page, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
