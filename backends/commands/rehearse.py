"""`claw rehearse`: start a simulated incident in the rehearsal that runs, end all, list what there is."""

import argparse
import asyncio
import getpass
import sys

from backends.commands.json_output import encoded
from backends.commands.running_core import act
from backends.text.terminal_safe import safe
from backends.types import Action


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "incident", metavar="ID|reset|list", help="C1, L1, …: start it; reset: end all; list: show all by name"
    )
    parser.add_argument("--engine", metavar="E", help="at this engine's twins only, not at all of its zone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.incident == "list":
        print(_listed(as_json=args.json))
        return 0
    action = Action(verb="rehearse", actor=f"cli:{getpass.getuser()}", id=args.incident, engine=args.engine)
    acted = asyncio.run(act(action, rehearse=True, remedy="start a rehearsal with `claw serve --rehearse`"))
    sys.stdout.write((encoded(acted) if args.json else safe(acted.detail)) + "\n")
    return 0


def _listed(*, as_json: bool) -> str:
    from backends.rehearsal.incidents import INCIDENTS

    says = {name: incident.says for name, incident in INCIDENTS.items()}
    if as_json:
        return encoded({"incidents": says})
    width = max(map(len, says))
    return "\n".join(f"{name:<{width}}  {what}" for name, what in says.items())
