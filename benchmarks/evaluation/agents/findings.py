"""How often does the privacy gate stop what agents read, without need?

Every text of the recorded sessions is judged in pieces of two thousand characters, and so are listings, settings,
programs and manuals of the machine that measures. What is flagged is counted, a true secret too.
"""

import gzip
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request
from benchmarks.evaluation.agents.figure import Figure, at_most

PIECE = 2_000
MOST = 40_000
"""Characters of each text of the machine."""

SESSIONS_GOAL, MACHINE_GOAL = 0.001, 0

COMMANDS = (
    "ls -laR {python}",
    "ls -laR /etc/ssl /etc/apt /etc/ssh",
    "find {python} -type f",
    "ps aux",
    "df -h",
    "ip a",
    "mount",
    "dpkg -l",
    "dpkg -L openssl",
    "systemctl list-unit-files",
    "docker ps",
    "pip list",
    "python3 -m pydoc hashlib",
    "python3 -m pydoc secrets",
    "python3 -m pydoc getpass",
    "openssl list -digest-algorithms",
    "ssh -Q mac",
    "ssh -Q key",
    "cat /etc/ssh/ssh_config",
    "cat /etc/pam.d/common-password",
    "cat /etc/login.defs",
    "cat /etc/services",
    "cat /etc/ssl/openssl.cnf",
    "cat /etc/nginx/nginx.conf",
    "cat /lib/systemd/system/systemd-logind.service",
    "cat {python}/token.py",
    "cat {python}/secrets.py",
    "cat {python}/http/client.py",
)
"""None of them names a person or holds a secret. What a machine does not have is left out."""


def measure(data: Path) -> Iterator[Figure]:
    """Pieces of sessions, then the machine's own texts."""
    gate = PrivacyGate(Privacy())
    pieces = [text[at : at + PIECE] for text in session_texts(data) for at in range(0, len(text), PIECE)]
    flagged = sum(is_flagged(gate, pieces))
    yield at_most(f"flagged of {len(pieces)} pieces of sessions", flagged / len(pieces), SESSIONS_GOAL)
    texts = list(machine_texts())
    yield at_most(f"flagged of {len(texts)} texts of this machine", sum(is_flagged(gate, texts)), MACHINE_GOAL)


def is_flagged(gate: PrivacyGate, texts: Iterable[str]) -> Iterator[bool]:
    for text in texts:
        request = Request(id="r", messages=(Message(role="user", text=text),))
        yield gate.inspect(request, agent_sensitive=False).sensitive


def session_texts(data: Path) -> Iterator[str]:
    with gzip.open(data / "agent-sessions" / "sessions.jsonl.gz", "rt") as lines:
        for line in lines:
            yield from (message["text"] for message in msgspec.json.decode(line)["messages"])


def machine_texts() -> Iterator[str]:
    """What each command prints, where it exists and prints anything."""
    python = Path(subprocess.__file__).parent
    for command in COMMANDS:
        try:
            done = subprocess.run(
                command.format(python=python).split(), capture_output=True, timeout=60, check=False, errors="replace"
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        text = done.stdout[:MOST]
        if text.strip():
            yield text
