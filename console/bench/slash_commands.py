"""Slash commands of the chat: a draft that is one line and begins with `/word` is a command, and never a prompt.

A path such as `/etc/hosts` is text, because its first word holds another slash, and so is everything after a blank.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from console.bench.prompt_settings import SETTINGS

_NAME = re.compile(r"/([a-z]+)(?=[ \t]|\Z)")
LONGEST = 100_000
"""Characters of a draft that may be a command; a longer one is a prompt."""


class SlashCommand(NamedTuple):
    """A command by name; `argument` shows what may follow it."""

    name: str
    argument: str
    help: str


class SlashLine(NamedTuple):
    """A draft read as a command; `name` need not exist."""

    name: str
    argument: str


COMMANDS: tuple[SlashCommand, ...] = (
    *(SlashCommand(setting.name, "[VALUE|default]", setting.help) for setting in SETTINGS),
    SlashCommand("defaults", "", "give every setting back to the agent"),
    SlashCommand("settings", "", "all settings of the next prompt"),
    SlashCommand(
        "compare", "[PROMPT]", "the prompt to two models side by side, at once; alone it lets you choose which"
    ),
    SlashCommand("attach", "PATH", "attach a text file, an image, a PDF or a recording; tab completes the path"),
    SlashCommand("detach", "", "remove what is attached"),
    SlashCommand("edit", "", "write the prompt in $EDITOR"),
    SlashCommand("again", "", "change the last prompt and send it again"),
    SlashCommand("turns", "", "fork, change or copy an earlier turn"),
    SlashCommand("search", "", "search the prompts sent before"),
    SlashCommand("prompts", "", "saved prompts"),
    SlashCommand("save", "NAME", "save the last prompt by this name; {{name}} in it is asked for on use"),
    SlashCommand("copy", "[file]", "copy the last answer, or write it to a file"),
    SlashCommand("export", "PATH", "write the conversation to PATH: JSON where it ends in .json, else Markdown"),
    SlashCommand("new", "", "start a new conversation"),
    SlashCommand("clear", "", "clear the transcript"),
    SlashCommand("help", "", "every key, symbol and command"),
)
MULTI_LINE = ("system", "compare")
"""Commands whose argument may have several lines."""


def read(draft: str) -> SlashLine | None:
    """The command that a draft is, or None where it is a prompt."""
    found = _NAME.match(draft) if len(draft) <= LONGEST else None
    if found is None:
        return None
    argument = draft[found.end() :].strip(" \t")
    if "\n" in argument and found[1] not in MULTI_LINE:
        return None
    return SlashLine(found[1], argument)


def command(name: str) -> SlashCommand | None:
    return next((each for each in COMMANDS if each.name == name), None)


def completed(typed: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """What tab makes of `typed`: as far as all names that begin with it agree, and those names."""
    fitting = [name for name in names if name.startswith(typed)]
    if not fitting:
        return typed, []
    first, last = min(fitting), max(fitting)
    agreed = next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:agreed], fitting
