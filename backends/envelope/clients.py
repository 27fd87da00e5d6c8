"""What cannot be told in general of the programs that send requests: how each is recognised, and its own wrappings.

One row a program. Everything else about them follows from `blocks`, `volatile` and what repeats.
"""

import re

from msgspec import Struct

from backends.types import Request

HEAD = 6_000
"""Characters of the first instructions in which a program says its name."""


class Client(Struct, frozen=True, kw_only=True):
    """A program: the beginning of its user agent, words that its instructions begin with, names of tools that it alone
    declares all of. `head` is what it puts before a question, `tail` what it puts behind one, up to the end. `blocks`
    is how the blocks begin that it sends, `examples` how the user's text begins that ends its examples. `quotes`: it
    may put the whole question in quotes, whatever that holds. `shortened` is what it adds to a session's name that
    counts how often it has shortened the conversation.
    """

    name: str
    agents: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    tools: frozenset[str] = frozenset()
    head: re.Pattern[str] | None = None
    tail: re.Pattern[str] | None = None
    blocks: tuple[str, ...] = ()
    examples: str = ""
    quotes: bool = False
    shortened: re.Pattern[str] | None = None


CLIENTS = (
    Client(
        name="openclaw",
        agents=("openclaw",),
        words=("running inside OpenClaw", "openclaw:attempt:"),
        tools=frozenset({"sessions_yield", "exec", "process"}),
        head=re.compile(
            r"(?:System: \[[^\]\n]{4,80}\][^\n]*(?:\n+|\Z))+"
            r"|Continue the current task from the existing transcript, preserving completed work\.[^\n]*"
        ),
        tail=re.compile(r"^\[message_id: [^\]\n]{1,100}\]\s*\Z", re.MULTILINE),
        blocks=("<<<BEGIN_OPENCLAW_",),
        shortened=re.compile(r":\d{1,6}\Z"),
    ),
    Client(
        name="claude-code",
        agents=("claude-cli", "claude-code"),
        words=("You are Claude Code",),
        blocks=("<system-reminder>",),
    ),
    Client(
        name="codex",
        agents=("codex",),
        words=("running in the Codex CLI", "You are Codex"),
        head=re.compile(r"# AGENTS\.md instructions[^\n]*\n+<INSTRUCTIONS>.*?</INSTRUCTIONS>", re.DOTALL),
        blocks=("<environment_context>", "<user_instructions>", "# AGENTS.md"),
    ),
    Client(
        name="opencode",
        agents=("opencode",),
        words=("You are opencode", "You are OpenCode"),
        quotes=True,
    ),
    Client(
        name="qwen-code",
        agents=("qwencode", "qwen-code"),
        words=("You are Qwen Code",),
        blocks=("<system-reminder>",),
        head=re.compile(r"This is the Qwen Code\. We are setting up the context.*\Z", re.DOTALL),
    ),
    Client(
        name="gemini-cli",
        agents=("geminicli", "gemini-cli"),
        words=("You are Gemini CLI",),
        blocks=("<session_context>", "<hook_context>"),
        head=re.compile(r"This is the Gemini CLI\. We are setting up the context.*\Z", re.DOTALL),
    ),
    Client(
        name="aider",
        agents=("aider",),
        words=("*SEARCH/REPLACE block*", "*file listing*", "unified diff of the changes"),
        head=re.compile(
            r"(?:I have \*added these files to the chat\*|Here are summaries of some files present in my git repository"
            r"|Here are some READ ONLY files|I added these files to the chat: [^\n]*\nLet me know if there"
            r" are others).*\Z",
            re.DOTALL,
        ),
        tail=re.compile(
            r"^(?:# (?:\*SEARCH/REPLACE block\*|File editing|\*file listing\*|V4A Diff Format) [Rr]ules:"
            r"|To suggest changes to a file you MUST return the entire content of the updated file\.)",
            re.MULTILINE,
        ),
        examples="I switched to a new code base.",
    ),
    Client(name="pi", agents=("pi/", "pi-coding-agent"), words=("operating inside pi, a coding agent",)),
    Client(
        name="crewai",
        agents=("crewai",),
        words=("Your personal goal is:",),
        tail=re.compile(r"^This is the expected criteria for your final answer:", re.MULTILINE),
        blocks=("This is the expected criteria",),
    ),
    Client(
        name="mini-swe-agent",
        words=("You are a helpful assistant that can interact with a computer",),
        head=re.compile(r"Please solve this issue:"),
        tail=re.compile(r"^You can execute bash commands and edit files to implement", re.MULTILINE),
        blocks=("You can execute bash commands",),
    ),
    Client(
        name="smolagents",
        words=("who can solve any task using", "An agent tried to answer a user query but it got stuck"),
        head=re.compile(
            r"(?:Observation|Error):\n.*\n(?:New task|Based on the above, [^\n]{1,120} user task):\n", re.DOTALL
        ),
    ),
    Client(
        name="open-webui",
        agents=("open-webui", "openwebui"),
        head=re.compile(
            r"### Task:\s*\nRespond to the user query using the provided context\b.*?(?=<context>|<user_query>)",
            re.DOTALL,
        ),
    ),
)


UNKNOWN = Client(name="")


def recognise(request: Request) -> Client:
    """The program that sent a request, by what it says of itself, else by its tools; UNKNOWN for any other."""
    agent = request.user_agent.lower()
    if agent and (found := next((each for each in CLIENTS if agent.startswith(each.agents) and each.agents), None)):
        return found
    first = next((message.text[:HEAD] for message in request.messages if message.role == "system"), "")
    if first and (found := next((each for each in CLIENTS if any(word in first for word in each.words)), None)):
        return found
    declared = {tool.name for tool in request.tools}
    return next((each for each in CLIENTS if each.tools and each.tools <= declared), UNKNOWN)
