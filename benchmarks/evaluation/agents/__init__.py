"""Does it work for the agents that people run? Measured on recorded bodies and sessions, a module for each part.

A part is a module with `measure(data)`, which yields a `Figure` for each thing that it measures. `PARTS` lists them.
"""

from benchmarks.evaluation.agents.figure import Figure

__all__ = ["PARTS", "Figure"]

PARTS = {
    "asks": "a prompt inside an agent's envelope is read like the bare prompt",
    "findings": "the privacy gate passes what agents read",
    "gate": "a turn costs the privacy gate what is new in it",
    "local": "an agent that stays at home is answered there, up to its model's own window",
    "explained": "every recorded request is explained, whatever its API, and many are in a second",
    "first_byte": "ten agents at once hear their first byte as soon with large requests as with small ones",
    "cache": "engines keep their prefix, repeats are answered though tools are declared, and no other request is",
    "sessions": "sessions cost half of the cloud alone with their answers kept, and runs that get nowhere are stopped",
    "reservations": "little more is reserved than a turn can cost, and the budget of a session holds",
}
"""Each part's module in this package, and what it shows. In the table's order."""
