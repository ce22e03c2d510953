"""The models of the policy file: what may be said, and nothing else.

Unknown keys are refused. What needs knowledge of other parts (that a rule names a real
feature, a task a real service) is checked when the file is loaded, in ``policy``.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel

MIB = 1024 * 1024

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Scalar = bool | int | float | str


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Comparison(_Strict):
    """What one feature's value must satisfy: every operator given must hold.

    A feature without a value satisfies only ``missing: true``.
    """

    eq: Scalar | None = None
    ne: Scalar | None = None
    lt: float | None = None
    le: float | None = None
    gt: float | None = None
    ge: float | None = None
    in_: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    not_in: tuple[Scalar, ...] | None = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Comparison":
        if not self.model_fields_set:
            raise ValueError("give at least one of eq, ne, lt, le, gt, ge, in, not_in, missing")
        return self


# feature name -> a comparison, or a bare value that it must equal; all must hold
Condition = dict[str, Comparison | Scalar]


class Batching(_Strict):
    """How entries are grouped into batches."""

    max_items: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=10_000, description="a batch closes at this many entries"
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(
        default=256 * MIB, description="a batch closes at this many bytes of content"
    )


class Content(_Strict):
    """What of a source is taken in."""

    include: tuple[str, ...] = Field(
        default=("**",), description="globs over the path relative to the source"
    )
    exclude: tuple[str, ...] = Field(
        default=(),
        description="globs to leave out; without a slash they match any file or folder name",
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(
        default=64 * MIB, description="larger entries are rejected as too_large"
    )
    batch: Batching = Batching()


class ServiceConfig(_Strict):
    """One service: ``type: embedded`` names an implementation that runs in this process."""

    type: Literal["embedded"] = "embedded"
    implementation: Name = Field(description="name of the embedded implementation")


class Choice(_Strict):
    """One way to process an item: a model, the services in order, and when to stop."""

    model: ProcessingModel
    services: Annotated[tuple[Name, ...], Field(min_length=1)]
    chain: bool = Field(
        default=False, description="sequential only: each step sees the earlier answers"
    )
    stop_at: Probability | None = Field(
        default=None, description="sequential only: stop once the answer is this probable"
    )
    min_readings: Annotated[int, Field(ge=1)] = Field(
        default=1, description="answers needed before a sequence may stop"
    )

    @model_validator(mode="after")
    def _fits_model(self) -> "Choice":
        if len(set(self.services)) != len(self.services):
            raise ValueError("a service may be named once")
        if self.model is not ProcessingModel.SEQUENTIAL:
            for field in ("chain", "stop_at", "min_readings"):
                if getattr(self, field) != type(self).model_fields[field].default:
                    raise ValueError(f"{field} belongs to the sequential model only")
        if self.chain and self.stop_at is not None:
            raise ValueError("a chain runs every step: leave out stop_at")
        return self


class Rule(_Strict):
    """When the condition holds, the choice is taken; the first rule that holds wins."""

    name: Name
    because: str = Field(min_length=1, description="the reason in words, shown to people")
    when: Condition = Field(min_length=1)
    choose: Choice


class TaskConfig(_Strict):
    """One question, whom it concerns, and how it is processed."""

    question: str = Field(min_length=1, description="what is asked, for people")
    version: str = Field(default="1", description="change it when the question changes meaning")
    kind: AnswerKind = AnswerKind.LABEL
    labels: tuple[str, ...] = Field(default=(), description="the closed set of answers, if any")
    applies_to: Condition = Field(
        default_factory=dict, description="items that the task is asked of; empty means all"
    )
    rules: tuple[Rule, ...] = ()
    default: Choice = Field(description="taken when no rule holds")

    @property
    def choices(self) -> dict[str, Choice]:
        """Every way to process an item of this task, by the name it is known by."""
        return {rule.name: rule.choose for rule in self.rules} | {"default": self.default}


class Execution(_Strict):
    """How calls are driven."""

    items_in_flight: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=32, description="items whose plans run at the same time"
    )


class Policy(_Strict):
    """The declarative file: tasks, services, rules and limits."""

    version: Literal[1] = Field(description="version of this format")
    content: Content = Content()
    execution: Execution = Execution()
    services: dict[Name, ServiceConfig] = Field(min_length=1)
    tasks: dict[Name, TaskConfig] = Field(min_length=1)

    def canonical(self) -> dict[str, Any]:
        """The policy as plain values with defaults filled in: what its hash is taken over."""
        return self.model_dump(mode="json", by_alias=True)
