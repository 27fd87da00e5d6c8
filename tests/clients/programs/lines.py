"""The loop of every client program: a line of JSON in, the result or what was raised out.

Stands apart from the tests: it runs in the client's own environment.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"The {name} of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    for name in ("weather", "clock")
]


def weather(city: str) -> str:
    """The weather of a city."""
    return f"{city}: 18 degrees"


def clock(city: str) -> str:
    """The clock of a city."""
    return f"{city}: noon"


def result_of(name: str, arguments: str | dict[str, Any]) -> str:
    """What the tool says to arguments as a model wrote them."""
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {"weather": weather, "clock": clock}[name](given["city"])


def serve(**verbs: Callable[..., Any]) -> None:
    """Answer until the input ends. What libraries print goes to the error output."""
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    os.dup2(2, 1)
    for line in sys.stdin:
        given = json.loads(line)
        try:
            said: dict[str, Any] = {"result": verbs[given.pop("do")](**given)}
        except Exception as error:  # noqa: BLE001 — whatever a client raises is what is asked for
            said = {"raised": list(classes(error)), "said": str(error)}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def classes(error: BaseException | None) -> Iterator[str]:
    """Names of the error's class and its bases, then of what caused it."""
    while error is not None:
        yield from (each.__name__ for each in type(error).__mro__)
        error = error.__cause__ or error.__context__
