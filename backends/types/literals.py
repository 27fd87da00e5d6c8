"""The values that fields may have, the intents, and zero dollars."""

from decimal import Decimal
from typing import Literal

EngineName = str
"""A name of `[engines.NAME]`."""
Served = str
"""Who answered: an engine, by name, or the cache."""
Route = str
"""Who is asked for: an engine, by name, or "auto"."""
Zone = Literal["local", "cloud"]
"""Where an engine is: on the operator's own machines, or at a provider who bills for it."""
Policy = Literal["local", "prefer-local", "auto", "prefer-cloud", "cloud"]
CacheResult = Literal["miss", "exact", "semantic", "bypass"]
Finish = Literal["stop", "length", "blocked", "cancelled", "error"]
Source = Literal["chat", "cli", "gateway", "traffic", "shadow"]
DialBy = Literal["quality", "cloud-share"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
Need = Literal["tools", "vision", "json", "long-context", "fresh"]
Health = Literal["unknown", "up", "degraded", "down"]
Role = Literal["answer", "verification", "repair"]
Verify = Literal["off", "format", "doubtful", "always"]
SemanticState = Literal["off", "loading", "on", "failed"]

INTENTS = (
    "chat",
    "extraction",
    "classification",
    "summarising",
    "translation",
    "rewriting",
    "creative-writing",
    "coding",
    "debugging",
    "maths-logic",
    "planning",
    "research",
    "audit",
    "trend-analysis",
    "health-check",
    "tool-use",
)
"""What a prompt may be for; docs/routing.md describes each."""

LOCAL: Zone = "local"
CLOUD: Zone = "cloud"
CACHE: Served = "cache"

ZERO = Decimal(0)
