"""The table `[gateway]` of claw.toml."""

from typing import Annotated, Literal

from msgspec import Meta, field

from backends.settings.engines import is_loopback_host
from backends.settings.section import Seconds, Section

KeysNeeded = Literal["auto", "required", "off"]


class Gateway(Section, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="loopback address to listen on")] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=0, le=65535)], Meta(description="port to listen on; 0 takes a free one")] = (
        8787
    )
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="further Host names that callers may use, without port")
    ] = ()
    keys: Annotated[
        KeysNeeded,
        Meta(description="whether agents need a key: auto (once one was made with `claw key add`), required, or off"),
    ] = "auto"
    drain_s: Annotated[Seconds, Meta(description="how many seconds SIGTERM waits for running calls")] = 30.0
    models: Annotated[
        dict[str, str],
        Meta(
            description='further model names, as { "gpt-4o-mini" = "auto" }; each stands for a route, an agent or a '
            "model"
        ),
    ] = field(default_factory=dict)
    unknown_model: Annotated[
        Literal["refuse", "auto"],
        Meta(description="what to do with an unknown model name: refuse (404), or auto"),
    ] = "refuse"
    unknown_agents: Annotated[
        Literal["default", "refuse"] | None,
        Meta(
            description="what to do with agents that are not configured: default (the rules of agents.default) or "
            "refuse; not set means refuse once an agent is sensitive, or local beyond the two built in"
        ),
    ] = None
    keep_alive_s: Annotated[
        Seconds,
        Meta(
            description="after how many seconds of silence a waiting stream gets a comment, so that the client keeps "
            "the connection"
        ),
    ] = 15.0

    def __post_init__(self) -> None:
        if not is_loopback_host(self.host.strip("[]")):
            raise ValueError(
                "`host` must be a loopback address, as 127.0.0.1: claw has no TLS. From elsewhere, use a tunnel"
            )
