"""What the policy says of conversations: what is remembered of the messages before one."""

from typing import Annotated

from pydantic import Field

from orchestration_assets.schemas.services import Name, Strict


class ConversationConfig(Strict):
    """What services are shown of the messages before the one that they are asked about.

    Records belong to conversations by the columns ``thread`` and ``position`` of their declaration.
    """

    core: tuple[Annotated[str, Field(min_length=1, max_length=2_000)], ...] = Field(
        default=(), max_length=50, description="what is always shown, before all else"
    )
    recent: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=20, description="the last messages that are shown whole, at most"
    )
    messages: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=10_000,
        description="the last messages that anything is remembered of, facts included, at most; "
        "of longer conversations the oldest quarter of so many gives way at a time",
    )
    facts: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=60, description="facts in force that are shown at most"
    )
    events: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=200,
        description="important earlier messages that are shown at most, as far as they fit",
    )
    facts_from: Name | None = Field(
        default=None,
        description="task of kind record or set whose answers about earlier messages are the "
        "facts; without it offline rules find them",
    )
    summary_from: Name | None = Field(
        default=None,
        description="task of kind text whose answer about the message before is the summary of "
        "the conversation until there; without it sentences of earlier messages are chosen",
    )
