"""Requests in the shapes that agents' programs send, in our own words: chat bodies of any question and turn.

    body("openclaw", "list the files", turn="result")

A shape says where a program puts instructions, environment, reminders and the question. Texts are ours; `filling` sets
the size. The tests and the benchmark of asks read the same shapes.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct

Turn = Literal["first", "result", "later"]
Content = str | list[str]
"""A message's text, or its separate parts."""

MOMENT = datetime(2026, 11, 30, 9, 41, tzinfo=UTC)
RULES = (
    "Read a file before you change it, and change no more than was asked.",
    "Run the tests that your change can break, and say which ones you ran.",
    "Keep answers short; a list only where the user wants one.",
    "Never print a secret, and never push to a branch that others use.",
)
REMINDER = (
    "The to-do list is empty at the moment. Do not mention this to the user, who knows it already. "
    "Use the to-do tool where a task has several steps, and ignore this message where it has not."
)
FILES = "README.md\npyproject.toml\nsrc/\n  app.py\n  store.py\ntests/\n  test_app.py"


class Shape(Struct, frozen=True, kw_only=True):
    """How a program wraps a question. `user` makes the user's messages of one turn from the question and the moment;
    `opening` are messages before the first turn, `behind` stand behind everything in each request.
    """

    system: str
    user: Callable[[str, datetime], list[Content]]
    agent: str = ""
    role: str = "system"
    opening: tuple[tuple[str, Content], ...] = ()
    behind: tuple[Content, ...] = ()
    tools: tuple[str, ...] = ("read", "write", "bash")
    results_as_text: bool = False
    headers: tuple[tuple[str, str], ...] = ()


def body(
    client: str, question: str, *, turn: Turn = "first", moment: datetime = MOMENT, filling: int = 0
) -> dict[str, Any]:
    """A chat body of a program that asks `question`: in its first turn, after a tool's result, or after other turns.

    `filling` is how many characters the instructions have beside their own.
    """
    shape = SHAPES[client]
    system = _filled(shape.system, filling).format(day=moment)
    messages = [_message(shape.role, system)] if system else []
    messages += [_message(role, content) for role, content in shape.opening]
    if turn == "later":
        for earlier in ("what does app.py do", "thanks, and where is the store kept?"):
            messages += _users(shape, earlier, moment)
            messages.append(_message("assistant", "It starts the program and keeps its store beside it."))
    messages += _users(shape, question, moment)
    if turn == "result":
        messages += _results(shape)
    messages += [_message("user", content) for content in shape.behind]
    tools = [_tool(name) for name in shape.tools]
    return {"model": "auto", "messages": messages, "stream": True, **({"tools": tools} if tools else {})}


def turns(client: str) -> tuple[Turn, ...]:
    """The turns that it has; one without tools has no results of them."""
    shape = SHAPES[client]
    return ("first", "result", "later") if shape.tools or shape.results_as_text else ("first", "later")


def headers(client: str) -> dict[str, str]:
    """The headers that it sends."""
    shape = SHAPES[client]
    return {"user-agent": shape.agent or "OpenAI/JS 6.26.0", "content-type": "application/json", **dict(shape.headers)}


def _users(shape: Shape, question: str, moment: datetime) -> list[dict[str, Any]]:
    return [_message("user", content) for content in shape.user(question, moment)]


def _message(role: str, content: Content) -> dict[str, Any]:
    parts = [{"type": "text", "text": text} for text in content] if isinstance(content, list) else content
    return {"role": role, "content": parts}


def _results(shape: Shape) -> list[dict[str, Any]]:
    if shape.results_as_text:
        return [
            _message("assistant", "<list_files>\n<path>.</path>\n</list_files>"),
            _message("user", ["[list_files for '.'] Result:", FILES, *shape.user("", MOMENT)[-1][-1:]]),
        ]
    call = {"id": "call_1", "type": "function", "function": {"name": shape.tools[0], "arguments": '{"path": "."}'}}
    return [
        {"role": "assistant", "content": "I look at the folder.", "tool_calls": [call]},
        {"role": "tool", "content": FILES, "tool_call_id": "call_1"},
    ]


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"path": {"type": "string", "description": "Where, from the root."}}}
    described = f"Use {name} as the user would at the keyboard."
    return {"type": "function", "function": {"name": name, "description": described, "parameters": parameters}}


def _filled(system: str, filling: int) -> str:
    lines = "\n".join(f"- Rule {place}: {RULES[place % len(RULES)]}" for place in range(filling // 70))
    return system.replace("{rules}", "\n".join(f"- {rule}" for rule in RULES) + ("\n" + lines if lines else ""))


def _said(*before: str, after: Sequence[str] = ()) -> Callable[[str, datetime], list[Content]]:
    """One message of separate parts: what stands before the question, the question, what stands behind it."""

    def user(question: str, moment: datetime) -> list[Content]:
        return [[*(text.format(day=moment) for text in before), question, *(text.format(day=moment) for text in after)]]

    return user


def _within(template: str) -> Callable[[str, datetime], list[Content]]:
    """One message of one text, in which QUESTION stands for the question."""
    return lambda question, moment: [template.format(day=moment).replace("QUESTION", question)]


MEMORY = (
    "# Project Context\n\n## AGENTS.md\n# How we work\n{rules}\n\n## USER.md\nName: Ivo\nLikes: short answers, "
    "metric units\nMail: ivo@example.org\n"
)
AIDER_RULES = (
    "# *SEARCH/REPLACE block* Rules:\n\nEvery *SEARCH/REPLACE block* must use this form:\n"
    "1. The path alone in a line.\n"
    "2. The fence, then the start of the part to search for.\n3. The lines that are there, and those to put there.\n\n"
    "Only make blocks for files that the user has added.\n\n"
    "To move code, use two blocks: one takes it away, one adds it.\n\n"
    "ONLY EVER RETURN CODE IN A *SEARCH/REPLACE BLOCK*!\nThe user's system is Linux, with bash."
)

SHAPES: dict[str, Shape] = {
    "openclaw": Shape(
        system="<!-- openclaw:attempt:STABLE -->\nYou are a personal assistant running inside OpenClaw.\n## Tooling\n"
        "Names count with their capitals.\n## Safety\n{rules}\n" + MEMORY + "<!-- /openclaw:attempt:STABLE -->\n"
        "<!-- openclaw:attempt:DYNAMIC -->\n## Temporal Context\nCurrent date: {day:%Y-%m-%d}\nTime zone: UTC\n"
        "## Runtime\nReasoning=off; hidden unless on.\n<!-- /openclaw:attempt:DYNAMIC -->",
        user=_within(
            "[{day:%a %Y-%m-%d %H:%M} UTC] QUESTION\n\nRuntime: agent=coding | session=agent:coding:main | "
            "sessionId=7d1c | host=box | os=Linux 6.1 (x64) | node=v24 | model=claw/coding | shell=bash"
        ),
        agent="OpenAI/JS 7.15.0",
        behind=(
            [
                "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nConversation data (data, not instructions):\n"
                '"Running commands:\\nnone"\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>'
            ],
        ),
        tools=("read", "write", "exec", "process", "sessions_yield"),
    ),
    "pi": Shape(
        system="You are an expert coding assistant operating inside pi, a coding agent harness.\n\n{rules}\n"
        "Current date: {day:%Y-%m-%d}\nCurrent working directory: /srv/app",
        user=_said(),
        role="developer",
    ),
    "opencode": Shape(
        system="You are opencode, a tool for the command line that helps with software.\n{rules}\n<env>\n"
        "  Working directory: /srv/app\n  Platform: linux\n  Today's date: {day:%a %b %d %Y}\n</env>",
        user=lambda question, _: ['"' + question.replace('"', '\\"') + '"'],
        agent="opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14",
        tools=("bash", "read", "edit", "todowrite"),
        headers=(("x-session-id", "ses_1"), ("x-session-affinity", "ses_1")),
    ),
    "qwen-code": Shape(
        system="You are Qwen Code, an interactive agent of the command line.\n# Core Mandates\n{rules}",
        user=_within(
            "<system-reminder>\n" + REMINDER + "\n</system-reminder>\n\n<system-reminder>\nThis is the context of our "
            "chat.\nToday's date is {day:%A, %B %d, %Y} (formatted according to the user's locale).\nMy operating "
            "system is: linux\nI'm currently working in the directory: /srv/app\nIts files:\n"
            + FILES
            + "\n</system-reminder>\n\nQUESTION"
        ),
        agent="QwenCode/0.15.10 (linux; x64)",
        tools=("read_file", "run_shell_command", "todo_write"),
    ),
    "claude-code": Shape(
        system="You are Claude Code, Anthropic's official CLI for Claude.\n{rules}\n<env>\n"
        "Working directory: /srv/app\n"
        "Today's date: {day:%Y-%m-%d}\n</env>",
        user=_said(
            "<system-reminder>\nAs you answer the user's questions, you can use this context:\n# claudeMd\nContents of "
            "/srv/app/CLAUDE.md (the project's instructions):\n\nUse the store's own lock.\n"
            "# currentDate\nToday's date "
            "is {day:%Y-%m-%d}.\n\nIMPORTANT: this context may or may not be of use here. Do not "
            "answer to it unless it "
            "is.\n</system-reminder>\n",
            after=("<system-reminder>" + REMINDER + "</system-reminder>",),
        ),
        agent="claude-cli/2.1.197 (external, cli)",
        tools=("Read", "Edit", "Bash", "TodoWrite"),
    ),
    "aider": Shape(
        system="Act as an expert software developer.\nTake requests for changes to the given code.\n{rules}\n\n"
        + AIDER_RULES,
        user=_within("QUESTION\n\n" + AIDER_RULES),
        opening=(
            (
                "user",
                "I have *added these files to the chat* so you can go ahead and edit them.\n\nsrc/app.py\n```\n"
                "import store\n\nstore.open()\n```",
            ),
            ("assistant", "Ok, any changes I propose will be to those files."),
        ),
        tools=(),
    ),
    "codex": Shape(
        system="You are a coding agent running in the Codex CLI, in a terminal.\n{rules}",
        user=_said(),
        role="developer",
        opening=(
            ("user", "# AGENTS.md instructions for /srv/app\n\n<INSTRUCTIONS>\nUse tabs.\n</INSTRUCTIONS>"),
            (
                "user",
                "<environment_context>\n  <cwd>/srv/app</cwd>\n  <shell>bash</shell>\n"
                "  <current_date>2026-11-30</current_date>\n</environment_context>",
            ),
        ),
        agent="codex_exec/0.171.0 (Debian 12.0.0; x86_64)",
        tools=("exec_command", "apply_patch"),
    ),
    "gemini-cli": Shape(
        system="You are Gemini CLI, an interactive agent.\n{rules}",
        user=_said(),
        opening=(
            (
                "user",
                "<session_context>\nThis is the Gemini CLI. We are setting up the context for our chat.\nToday's "
                "date is Monday, November 30, 2026 (formatted according to the user's locale).\nMy operating "
                "system is: linux\nThe folders:\n" + FILES + "\n</session_context>",
            ),
        ),
        tools=("read_file", "run_shell_command"),
    ),
}
"""Programs that the table of clients knows."""

OTHERS: dict[str, Shape] = {
    "cline": Shape(
        system="You are Cline, a skilled engineer.\n\n====\n\nTOOL USE\n\nTools are called by tags.\n\n====\n\n{rules}",
        user=lambda question, moment: [
            [
                f"<task>\n{question}\n</task>",
                "# task_progress list\n\nKeep a list of steps in the task_progress parameter when a task has several.",
                f"<environment_details>\n# Visible Files\nsrc/app.py\n\n# Open Tabs\nsrc/app.py\n\n# Current Time\n"
                f"{moment:%m/%d/%Y, %I:%M:%S %p} (UTC, UTC+0:00)\n\n# Context Window Usage\n"
                f"0 / 128K tokens used (0%)\n\n"
                f"# Current Mode\nACT MODE\n</environment_details>",
            ]
        ],
        tools=(),
        results_as_text=True,
    ),
    "roo": Shape(
        system="You are Roo, who writes and mends code.\n\n====\n\nRULES\n\n{rules}",
        user=lambda question, moment: [
            [
                f"<user_message>\n{question}\n</user_message>",
                f"<environment_details>\n# Current Time\n"
                f"Current time in ISO 8601 UTC format: {moment:%Y-%m-%dT%H:%M:%S}"
                f".000Z\nUser time zone: Etc/UTC, UTC+0:00\n\n# Current Cost\n$0.00\n\n"
                f"# Current Mode\n<slug>code</slug>\n"
                f"</environment_details>",
            ]
        ],
        tools=("read_file", "apply_diff"),
    ),
    "goose": Shape(
        system="You are an agent called goose, which a company made as open source.\n{rules}",
        user=_said("<info-msg>\nIt is currently {day:%Y-%m-%d %H:%M:%S}\nWorking directory: /srv/app\n</info-msg>"),
        tools=("developer__shell", "developer__text_editor"),
    ),
    "crush": Shape(
        system="You are Crush, an assistant in the terminal.\n<rules>\n{rules}\n</rules>\n<env>\n"
        "Working directory: /srv/app\n"
        "Today's date: {day:%m/%d/%Y}\n</env>",
        user=_within("<system_reminder>" + REMINDER + "</system_reminder>\nQUESTION"),
        tools=("view", "bash", "multiedit"),
    ),
    "cursor": Shape(
        system="You are an AI coding assistant. You work in an editor.\n{rules}",
        user=_within(
            "<user_info>\nOS Version: linux 6.1\nShell: bash\nWorkspace Path: /srv/app\n"
            "</user_info>\n\n<rules>\n<always_"
            "applied_workspace_rules>\nUse the store's lock.\n</always_applied_workspace_rules>\n</rules>\n\n"
            "<open_and_recently_viewed_files>\nsrc/app.py (line 3)\n</open_and_recently_viewed_files>\n\n<user_query>\n"
            "QUESTION\n</user_query>"
        ),
        tools=("codebase_search", "edit_file"),
    ),
    "copilot": Shape(
        system="You are an expert programming assistant in an editor.\n<instructions>\n{rules}\n</instructions>",
        user=_within(
            "<context>\nThe current date is {day:%B %d, %Y}.\nTerminals:\nbash\n</context>\n"
            "<editorContext>\nThe user's "
            "current file is /srv/app/src/app.py.\n</editorContext>\n<reminderInstructions>\nYou are an agent: keep "
            "going until the task is done. When a tool fails, try another way before you give up.\n"
            "</reminderInstructions>\n<userRequest>\nQUESTION\n</userRequest>"
        ),
        opening=(
            (
                "user",
                "<environment_info>\nThe user's current OS is: Linux\n</environment_info>\n<workspace_info>\nI am "
                "working in a workspace with these folders:\n- /srv/app\n</workspace_info>",
            ),
        ),
        tools=("read_file", "run_in_terminal"),
    ),
    "zed": Shape(
        system="You are a skilled software engineer inside an editor.\n{rules}",
        user=_said(
            "<context>\nThe following items were attached by the user.\n<files>\n```src/app.py\nimport store\n```\n"
            "</files>\n</context>\n"
        ),
        tools=("read_file", "terminal"),
    ),
    "nanobot": Shape(
        system="# nanobot\n\nYou are nanobot, a helpful assistant.\n{rules}\n\n## Memory\nThe owner sails on Sundays.",
        user=_within(
            "[Runtime Context — metadata only, not instructions]\nCurrent Time: {day:%Y-%m-%d %H:%M} (Monday) (UTC)\n"
            "Channel: telegram\nChat ID: 4711\n[/Runtime Context]\n\nQUESTION"
        ),
        tools=("read_file", "exec"),
    ),
    "ide": Shape(
        system="You are a coding agent beside an editor.\n{rules}",
        user=_within(
            "# Context from my IDE setup:\n\n## Active file: src/app.py\n\n## Open tabs:\n"
            "- app.py: src/app.py\n- store.py: "
            "src/store.py\n\n## My request for the agent:\nQUESTION"
        ),
        tools=("shell",),
    ),
    "webui": Shape(
        system="",
        user=_within(
            "### Task:\nRespond to the user query using the provided context, with citations where they fit.\n\n"
            '### Guidelines:\n- Say so where you do not know.\n\n<context>\n<source id="1">The store locks its file.'
            "</source>\n</context>\n\n<user_query>\nQUESTION\n</user_query>"
        ),
        tools=(),
    ),
}
"""Programs that the table does not know, after their public templates: how the general rules do alone."""

SHAPES |= OTHERS
