"""The table `[privacy]` of claw.toml."""

from typing import Annotated, Literal

from msgspec import Meta

from backends.settings.section import Section


class Privacy(Section, frozen=True, kw_only=True):
    words: Annotated[tuple[str, ...], Meta(description="words that mark a prompt as sensitive")] = ()
    patterns: Annotated[tuple[str, ...], Meta(description="regular expressions that mark a prompt as sensitive")] = ()
    action: Annotated[
        Literal["local", "redact"],
        Meta(
            description="what happens to sensitive prompts: local keeps them local, redact may send them with "
            "placeholders"
        ),
    ] = "local"
    images: Annotated[
        Literal["pass", "local"],
        Meta(description="images are not checked: pass treats them as harmless, local keeps each one local"),
    ] = "pass"
    internal_hosts: Annotated[
        tuple[str, ...],
        Meta(description="hosts (*.corp.example) and networks (10.0.0.0/8) whose addresses count as private"),
    ] = ()

    def __post_init__(self) -> None:
        if not self.patterns and not self.internal_hosts:
            return
        from backends.patterns import compiled, network_of  # slow to import, and most files need none of it

        for name, values, read in (
            ("patterns", self.patterns, compiled),
            ("internal_hosts", self.internal_hosts, network_of),
        ):
            for index, value in enumerate(values):
                try:
                    read(value)
                except ValueError as error:
                    raise ValueError(f"`{name}[{index}]`: {error}") from None
