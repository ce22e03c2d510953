"""What a policy says of traces: of which items they tell, and how much."""

from typing import Annotated

from pydantic import Field

from orchestration_assets.schemas.services import Strict


class Tracing(Strict):
    """What is told of each batch to a receiver of OpenTelemetry, once the batch is done.

    Where to, and with which headers, say the standard ``OTEL_*`` environment variables.
    """

    share: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.05,
        description="share of the items, by their hash, of which every call is told; those that "
        "are disputed or failed always are. ORCHESTRATION_TRACE_SHARE takes its place",
    )
    capture_content: bool = Field(
        default=False,
        description="tell paths, answers and reasons too, with secrets and personal data replaced",
    )
