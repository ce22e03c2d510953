"""Conditions of the policy file: comparisons with the values of features and with answers."""

from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag, model_validator

from orchestration_assets.schemas.services import Strict as _Strict

Scalar = bool | int | float | str

ANSWERS: Final = "answers."
"""How a condition begins that is on an answer: ``answers.TASK`` or ``answers.TASK.FIELD``."""


class Comparison(_Strict):
    """What one value must satisfy: every operator given must hold.

    Where there is no value, only ``missing: true`` is satisfied.
    """

    eq: Scalar | None = Field(default=None, description="equal to this value")
    ne: Scalar | None = Field(default=None, description="another value than this")
    lt: float | None = Field(default=None, description="less than this number")
    le: float | None = Field(default=None, description="this number or less")
    gt: float | None = Field(default=None, description="greater than this number")
    ge: float | None = Field(default=None, description="this number or greater")
    in_: tuple[Scalar, ...] | None = Field(
        default=None, alias="in", description="one of these values"
    )
    not_in: tuple[Scalar, ...] | None = Field(default=None, description="none of these values")
    missing: bool | None = Field(
        default=None, description="true: there is no value; false: there is one"
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Comparison":
        fields = type(self).model_fields
        if all(getattr(self, name) is None for name in fields):
            names = ", ".join(field.alias or name for name, field in fields.items())
            raise ValueError(f"give at least one of {names}")
        return self


class AnswerCondition(Comparison):
    """What a feature or, as ``answers.TASK``, the answer to another task must satisfy.

    ``contains`` and ``risk`` are for answers only.
    """

    contains: str | None = Field(default=None, description="set: has this member")
    risk: Comparison | None = Field(
        default=None,
        description="what the error risk of the answer must satisfy; else it is too risky, and "
        "otherwise says what happens",
    )


def _kind_of_test(given: Any) -> str:
    return "comparison" if isinstance(given, dict | Comparison) else "value"


# feature name -> a comparison, or a bare value that it must equal; all must hold
Condition = dict[
    str,
    Annotated[
        Annotated[Comparison, Tag("comparison")] | Annotated[Scalar, Tag("value")],
        Discriminator(_kind_of_test),
    ],
]

# the same, and answers.TASK or answers.TASK.FIELD -> a comparison with the answer to a task
TaskCondition = dict[
    str,
    Annotated[
        Annotated[AnswerCondition, Tag("comparison")] | Annotated[Scalar, Tag("value")],
        Discriminator(_kind_of_test),
    ],
]


def on_features(condition: TaskCondition) -> TaskCondition:
    """The part of a condition that is on features."""
    return {name: test for name, test in condition.items() if not name.startswith(ANSWERS)}


def on_answers(condition: TaskCondition) -> dict[tuple[str, str], AnswerCondition]:
    """(task, field) -> comparison of the part that is on answers; the field is "" for the whole."""
    found: dict[tuple[str, str], AnswerCondition] = {}
    for name, test in condition.items():
        if name.startswith(ANSWERS):
            task, _, field = name.removeprefix(ANSWERS).partition(".")
            found[task, field] = (
                test if isinstance(test, AnswerCondition) else AnswerCondition(eq=test)
            )
    return found
