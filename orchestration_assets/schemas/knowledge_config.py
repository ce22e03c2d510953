"""What the policy says of knowledge: corpora that are no content, and tasks that are shown them."""

from typing import Annotated

from pydantic import Field

from orchestration_assets.schemas.pasted_secrets import PlainAddress
from orchestration_assets.schemas.services import Name, Strict
from orchestration_assets.schemas.usual_excludes import EXCLUDE_MEANING, USUALLY_EXCLUDED


class KnowledgeConfig(Strict):
    """A corpus that questions are answered from: a folder or URL of documents."""

    source: PlainAddress = Field(
        description="folder or URL of the documents; a relative path begins in the folder that "
        "the command is run in"
    )
    include: tuple[str, ...] = Field(
        default=("**",), description="globs over the path relative to the source"
    )
    exclude: tuple[str, ...] = Field(
        default=USUALLY_EXCLUDED,
        description=EXCLUDE_MEANING,
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(
        default=16 * 1024 * 1024, description="larger documents are rejected as too_large"
    )
    passage_tokens: Annotated[int, Field(ge=32, le=4000)] = Field(
        default=320,
        description="tokens of a passage at most; passages end with sections, paragraphs and "
        "sentences",
    )


class PassageRequest(Strict):
    """Which passages a task's prompts may show as ``passages``."""

    of: tuple[Name, ...] = Field(min_length=1, description="the corpora that are searched")
    at_most: Annotated[int, Field(ge=1, le=50)] = Field(
        default=4, description="passages that are shown at most, the best first"
    )
