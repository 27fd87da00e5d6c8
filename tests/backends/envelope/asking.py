"""Requests as the gateway makes them of agents' bodies."""

import json
from typing import Any

from backends.gateway.dialects.openai_chat import chat_request
from backends.identity import new_id
from backends.types import Envelope, Message, Request, Tool
from benchmarks.evaluation.agents import bodies
from benchmarks.evaluation.agents.bodies import Turn

TOOLS = (Tool(name="read"), Tool(name="run"))


def asked(client: str, question: str, *, turn: Turn = "first", agent: str = "coding", **given: Any) -> Request:
    """A question as a program asks it."""
    read = chat_request.read(json.dumps(bodies.body(client, question, turn=turn, **given)).encode())
    return Request(
        id=new_id(),
        agent=agent,
        messages=read.messages,
        tools=read.tools,
        source="gateway",
        user_agent=bodies.headers(client)["user-agent"],
    )


def said(*texts: str, system: str = "", agent: str = "coding", tools: tuple[Tool, ...] = TOOLS) -> Request:
    """User's messages, one after the other, of an agent with tools that no table knows."""
    first = (Message(role="system", text=system),) if system else ()
    return Request(
        id=new_id(), agent=agent, messages=(*first, *(Message(role="user", text=text) for text in texts)), tools=tools
    )


def parts(*texts: str, agent: str = "coding") -> Request:
    """One user's message of separate parts."""
    seams = tuple(sum(len(text) + 1 for text in texts[:place]) for place in range(1, len(texts)))
    message = Message(role="user", text="\n".join(texts), seams=seams)
    return Request(id="r", agent=agent, messages=(message,), tools=TOOLS)


def covers(request: Request, envelope: Envelope) -> bool:
    """Do the spans give each message's text back, in order?"""
    pieces = ["" for _ in request.messages]
    for span in envelope.spans:
        if span.message >= 0:
            pieces[span.message] += request.messages[span.message].text[span.start : span.end]
    return pieces == [message.text for message in request.messages]
