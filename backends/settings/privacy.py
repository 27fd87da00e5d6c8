"""The table `[privacy]` of claw.toml."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, NamedTuple

from msgspec import Meta

from backends.settings.section import Section

PrivacyAction = Literal["local", "local-else-redact", "redact"]
"""What happens to a sensitive prompt, the strictest first."""

STRICTEST_FIRST: tuple[PrivacyAction, ...] = ("local", "local-else-redact", "redact")


class PrivacyActions(NamedTuple):
    """What happens to prompts with secrets, and to those with personal data."""

    secrets: PrivacyAction
    personal: PrivacyAction

    def of(self, personal: Iterable[bool]) -> PrivacyAction:
        """The strictest of those for some findings, each of which is `personal` data or a secret."""
        return min((self.personal if each else self.secrets for each in personal), key=STRICTEST_FIRST.index)

    def stricter(self, other: "PrivacyActions") -> "PrivacyActions":
        """Of each the stricter one."""
        return PrivacyActions(*(min(pair, key=STRICTEST_FIRST.index) for pair in zip(self, other, strict=True)))


class Privacy(Section, frozen=True, kw_only=True):
    UNSHOWN: ClassVar[frozenset[str]] = frozenset(("words", "patterns", "internal_hosts", "allow"))

    words: Annotated[tuple[str, ...], Meta(description="words that mark a prompt as sensitive")] = ()
    patterns: Annotated[tuple[str, ...], Meta(description="regular expressions that mark a prompt as sensitive")] = ()
    action: Annotated[
        PrivacyAction,
        Meta(
            description="what happens to sensitive prompts: local keeps them local, redact may send them with "
            "placeholders, local-else-redact does so only where no local engine can answer"
        ),
    ] = "local"
    secrets: Annotated[
        PrivacyAction | None, Meta(description="privacy.action for keys, passwords and the operator's own rules")
    ] = None
    personal: Annotated[
        PrivacyAction | None, Meta(description="privacy.action for personal data: addresses, phones, cards, ids")
    ] = None
    allow: Annotated[
        tuple[str, ...],
        Meta(description="values of your own that may leave the machine: addresses, phone numbers, hosts"),
    ] = ()
    images: Annotated[
        Literal["pass", "local"],
        Meta(description="images are not checked: pass treats them as harmless, local keeps each one local"),
    ] = "pass"
    internal_hosts: Annotated[
        tuple[str, ...],
        Meta(description="hosts (*.corp.example) and networks (10.0.0.0/8) whose addresses count as private"),
    ] = ()

    @property
    def actions(self) -> PrivacyActions:
        return PrivacyActions(self.secrets or self.action, self.personal or self.action)

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
