"""`claw key`: the keys that agents show at the gateway. A running core notices a change within a second."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from backends.agent_names import meant, spelled
from backends.errors import WrongUse
from backends.finops.text_writer import columns
from backends.gateway import agent_keys
from backends.gateway.agent_keys import AgentKey
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.terminal_safe import safe

SHOWN_ONCE = "this is shown once: give it to the agent, as a bearer token, X-Api-Key or X-Goog-Api-Key"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "list", "rotate", "revoke"))
    parser.add_argument(
        "name", nargs="?", metavar="AGENT|ID", help="add: whose key; rotate, revoke: a key's id, or an agent's keys"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    paths, now = Paths.find(), datetime.now(UTC)
    settings = load(paths.config).settings
    if args.action == "list":
        if args.name is not None:
            raise WrongUse("`claw key list` takes no name")
        _list(agent_keys.read(paths.agent_keys).keys, settings, as_json=args.json)
        return 0
    if not args.name:
        raise WrongUse(f"`claw key {args.action} {'AGENT' if args.action == 'add' else 'AGENT|ID'}` is the form")
    paths.make()
    if args.action == "add":
        _show(*agent_keys.add(paths.agent_keys, _agent(args.name, settings), now), settings, as_json=args.json)
    elif args.action == "rotate":
        _show(*agent_keys.rotate(paths.agent_keys, args.name, now), settings, as_json=args.json)
    else:
        _say_revoked(agent_keys.revoke(paths.agent_keys, args.name, now), as_json=args.json)
    return 0


def _agent(name: str, settings: Settings) -> str:
    """As it is spelled in the settings. Raises WrongUse for another: a slip would be an agent without rules."""
    agents = dict.fromkeys((*settings.agents, "default"))
    if known := spelled(name, agents):
        return known
    near = meant(name, agents)
    hint = f"did you mean {near}?" if near else f"add `[agents.{name}]` to claw.toml first"
    raise WrongUse(f"there is no agent {name}: {hint}")


def _show(key: AgentKey, secret: str, settings: Settings, *, as_json: bool) -> None:
    """The key alone on stdout, so that a script can take it; what is to be known of it on stderr."""
    if as_json:
        sys.stdout.write(json.dumps({"id": key.id, "agent": key.agent, "key": secret}) + "\n")
        return
    sys.stdout.write(secret + "\n")
    lines = [f"key {key.id} of {safe(key.agent)}: {SHOWN_ONCE}"]
    if settings.gateway.keys == "off":
        lines.append("gateway.keys is off: nobody is asked for a key")
    print(*lines, sep="\n", file=sys.stderr)


def _say_revoked(keys: Sequence[AgentKey], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"revoked": [key.id for key in keys]}) + "\n")
        return
    ids = ", ".join(key.id for key in keys)
    print(f"revoked {ids} of {safe(keys[0].agent)}: a running core refuses it within a second")


def _list(keys: Sequence[AgentKey], settings: Settings, *, as_json: bool) -> None:
    """Never a key or its hash."""
    if as_json:
        rows = [
            {
                "id": key.id,
                "agent": key.agent,
                "created_at": key.created_at.isoformat(),
                "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
            }
            for key in keys
        ]
        sys.stdout.write(json.dumps({"keys": rows}) + "\n")
        return
    if not keys:
        needed = "nobody comes in" if settings.gateway.keys == "required" else "agents need none"
        print(f"there are no keys: {needed}. `claw key add AGENT` makes one")
        return
    header = ("agent", "id", "made", "revoked")
    print(columns((header, *((safe(key.agent), key.id, _day(key.created_at), _day(key.revoked_at)) for key in keys))))
    if settings.gateway.keys == "off":
        print("gateway.keys is off: nobody is asked for a key")


def _day(at: datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
