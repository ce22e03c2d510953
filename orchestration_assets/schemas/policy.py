"""The models of the policy file: what may be said, and nothing else.

Unknown keys are refused. What needs knowledge of other parts (that a rule names a real
feature, a task a real service) is checked when the file is loaded, in ``policy``.
"""

import itertools
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from orchestration_assets.schemas.alert_config import AlertRule, BudgetAlert
from orchestration_assets.schemas.comparisons import Condition, Scalar, TaskCondition, on_answers
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.enums import (
    AnswerKind,
    DisputeKind,
    Manner,
    ProcessingModel,
    ResolutionPolicy,
)
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig, PassageRequest
from orchestration_assets.schemas.parts import TaskParts
from orchestration_assets.schemas.parts_config import JOINS, Join, Parts, ServiceJoin, task_parts
from orchestration_assets.schemas.pasted_secrets import PlainAddress
from orchestration_assets.schemas.record_config import (
    Fields,
    fields_in_schema,
    fields_of,
)
from orchestration_assets.schemas.record_fields import RecordField
from orchestration_assets.schemas.rollout import Rollout
from orchestration_assets.schemas.services import KEEP_SECRET, Name, SensitiveKind, ServiceConfig
from orchestration_assets.schemas.services import Strict as _Strict
from orchestration_assets.schemas.tools_config import ToolsConfig
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.schemas.usual_excludes import EXCLUDE_MEANING, USUALLY_EXCLUDED
from orchestration_assets.schemas.variables import VariableName

MIB = 1024 * 1024
LEARNED, EXPLORE, DEFAULT = "learned", "explore", "default"

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Batching(_Strict):
    """How entries are grouped into batches."""

    max_items: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=10_000, description="a batch closes at this many entries"
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(
        default=256 * MIB, description="a batch closes at this many bytes of content"
    )
    wait_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=60.0,
        description="the sensor closes a batch that is not full once its oldest entry waited so "
        "long; `orchestrate run` never waits",
    )


def _separates(delimiter: str) -> str:
    # records are cut by bytes: what has several, or ends lines and quotes, separates nothing
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '\n\r"\0':
        raise ValueError("give one ASCII character that is no line end, double quote or NUL")
    return delimiter


class Records(_Strict):
    """Files whose records are items of their own: JSON Lines, CSV or Parquet."""

    files: str = Field(
        min_length=1, description="glob over the path; without a slash it matches any file name"
    )
    text: str = Field(min_length=1, description="the column that holds the text of an item")
    id: str | None = Field(
        default=None,
        description="the column that names a record for good; without it its text does",
    )
    name: str | None = Field(
        default=None, description="the column with a file name or path, for people and services"
    )
    metadata: tuple[str, ...] = Field(
        default=(), description="columns that are kept in content_manifest beside the text"
    )
    thread: str | None = Field(
        default=None, description="the column that names the conversation of a record"
    )
    position: str | None = Field(
        default=None,
        description="the column with a record's place in its conversation: a number, or a date "
        "and time; without it records follow each other as in their files",
    )
    speaker: str | None = Field(
        default=None, description="the column that says who speaks, in a conversation"
    )
    format: Literal["jsonl", "csv", "parquet"] | None = Field(
        default=None, description="what the files are; by default as their name ends"
    )
    delimiter: Annotated[str, AfterValidator(_separates)] | None = Field(
        default=None, description="csv: what separates columns; a comma, or a tab for .tsv"
    )
    max_expansion: Annotated[float, Field(ge=1)] = Field(
        default=100.0,
        description="a compressed file that grows to more than this many times its size is a bomb",
    )


class Content(_Strict):
    """What of a source is taken in."""

    sources: tuple[PlainAddress, ...] = Field(
        default=(), description="folders and URLs that the sensor looks at by itself"
    )
    include: tuple[str, ...] = Field(
        default=("**",), description="globs over the path relative to the source"
    )
    exclude: tuple[str, ...] = Field(
        default=USUALLY_EXCLUDED,
        description=EXCLUDE_MEANING,
    )
    max_bytes: Annotated[int, Field(ge=1)] = Field(
        default=64 * MIB, description="larger entries are rejected as too_large"
    )
    records: tuple[Records, ...] = Field(
        default=(), description="record files; the first that matches a path counts"
    )
    settle_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=5.0,
        description="the sensor leaves a file alone until nothing has changed it for so long",
    )
    read_s: Annotated[float, Field(gt=0, le=3_600)] = Field(
        default=30.0, description="an entry that takes longer to read is rejected as slow"
    )
    retry_hours: Annotated[float, Field(ge=0, le=876_000)] = Field(
        default=24.0,
        description="what was unreadable, slow or vanished is offered again after so long",
    )
    keep: bool = Field(
        default=False,
        description="keep a copy of accepted bytes below content/, so that a replay is exact",
    )
    batch: Batching = Batching()


class Rounds(_Strict):
    """How an iterative choice reads more and more of the content until the answer settles."""

    first_chars: Annotated[int, Field(ge=200)] = Field(
        default=4000, description="characters that the first round reads, in sections"
    )
    grow: Annotated[float, Field(gt=1.0, le=16.0)] = Field(
        default=2.0, description="each round reads this many times as much as the one before"
    )
    max_rounds: Annotated[int, Field(ge=1, le=20)] = Field(
        default=5, description="stop after this many rounds"
    )
    settled_at: Probability = Field(
        default=0.1, description="stop once a round moves the answer by at most this distance"
    )
    min_gain: Annotated[float, Field(ge=-1.0, le=1.0)] | None = Field(
        default=None, description="stop once a round raises the certainty by less than this"
    )
    max_ms: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="start no further round after this time"
    )
    sees_earlier: bool = Field(
        default=False, description="each round is shown the answers of the round before"
    )


class Panel(_Strict):
    """Services that answer without each other first, and then see what the others answered.

    A first answer is a voice of its own; an answer that another had shown its service is none.
    """

    max_rounds: Annotated[int, Field(ge=1, le=8)] = Field(
        default=3, description="stop after this many rounds, the first one among them"
    )
    names: Literal["hidden", "shown"] = Field(
        default="hidden",
        description="whether members are told whose answers they are shown; hidden, they cannot "
        "follow a name, and what is kept of them does not hang on names",
    )
    confidences: Literal["hidden", "shown"] = Field(
        default="hidden", description="whether members are told how sure the others are"
    )
    worth_usd: Annotated[float, Field(gt=0.0, le=1e6)] | None = Field(
        default=None,
        description="US dollars that a right answer in place of a wrong one is worth: once enough "
        "items are judged, the panel is asked where what it gains over its best member, and over "
        "the first answers, is worth more than it costs more; null: where it gains anything",
    )
    refuse: bool = Field(
        default=True,
        description="whether judged items may refuse the panel; false: it is always asked",
    )


class Judge(_Strict):
    """A service that is shown the others' answers and picks or merges: its answer stands."""

    service: Name = Field(description="the service that judges")
    when: Literal["disagree", "always"] = Field(
        default="disagree", description="asked only when answers disagree, or every time"
    )


class Escalation(_Strict):
    """A sub-plan that is carried out when the answer is not sure enough."""

    below: Probability = Field(description="escalate when the answer is less sure than this")
    to: "Choice"


class Route(_Strict):
    """A router: its label answer hands the item to one of several sub-plans."""

    task: Name = Field(description="the label task that the router answers")
    service: Name = Field(description="the service that answers it")
    to: dict[str, "Choice"] = Field(min_length=1, description="label -> sub-plan")
    otherwise: "Choice" = Field(description="for every other label, and when routing fails")


_BELONGS = {
    "chain": ProcessingModel.SEQUENTIAL,
    "stop_at": ProcessingModel.SEQUENTIAL,
    "min_readings": ProcessingModel.SEQUENTIAL,
    "rounds": ProcessingModel.ITERATIVE,
    "panel": ProcessingModel.ITERATIVE,
    "after": ProcessingModel.HYBRID,
    "route": ProcessingModel.HYBRID,
}


class Choice(_Strict):
    """One way to process an item: a model, the services, and what the model needs to know."""

    model: ProcessingModel
    services: tuple[Name, ...] = Field(default=(), description="in the order of asking")
    chain: bool = Field(
        default=False, description="sequential: every step is asked and sees the earlier answers"
    )
    stop_at: Probability | None = Field(
        default=None, description="sequential: stop once the answer is this sure"
    )
    min_readings: Annotated[int, Field(ge=1)] = Field(
        default=1, description="sequential: answers needed before stopping"
    )
    rounds: Rounds | None = Field(default=None, description="iterative: how rounds grow and stop")
    panel: Panel | None = Field(
        default=None,
        description="iterative: read the whole content each round, and see what the others "
        "answered in the round before, until nobody moves",
    )
    after: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="hybrid: service -> services whose answers it waits for and is shown",
    )
    route: Route | None = Field(default=None, description="hybrid: a router and its sub-plans")
    judge: Judge | None = None
    escalate: Escalation | None = None

    @model_validator(mode="after")
    def _fits_model(self) -> "Choice":
        for field, model in _BELONGS.items():
            if self.model is model or field not in self.model_fields_set:
                continue
            default = type(self).model_fields[field].get_default(call_default_factory=True)
            if getattr(self, field) != default:
                raise ValueError(f"{field} belongs to the {model} model, not to {self.model}")
        if len(set(self.services)) != len(self.services):
            raise ValueError("a service may be named once")
        if self.panel is not None and self.rounds is not None:
            raise ValueError("give rounds or a panel: a panel reads the whole content each time")
        if self.panel is not None and len(self.services) < 2:
            raise ValueError("a panel needs two services at least")
        if bool(self.services) == (self.route is not None):
            raise ValueError("give services, or a route to sub-plans that have them")
        if self.judge is not None and self.judge.service in self.services:
            raise ValueError("the judge must not be one of the services that it judges")
        if self.chain and self.stop_at is not None:
            raise ValueError("a chain runs every step: leave out stop_at")
        return self

    @model_validator(mode="after")
    def _dependencies_are_a_graph(self) -> "Choice":
        waited_for = {name for names in self.after.values() for name in names}
        if strangers := (set(self.after) | waited_for) - set(self.services):
            raise ValueError(f"after names {', '.join(sorted(strangers))}, not among the services")
        try:
            TopologicalSorter(self.after).prepare()
        except CycleError as error:
            raise ValueError(f"after has a cycle: {' -> '.join(error.args[1])}") from error
        return self

    @property
    def sub_choices(self) -> dict[str, "Choice"]:
        """The choices inside this one, by where they stand in it."""
        inside: dict[str, Choice] = {}
        if self.escalate is not None:
            inside["escalate.to"] = self.escalate.to
        if self.route is not None:
            inside |= {f"route.to.{label}": choice for label, choice in self.route.to.items()}
            inside["route.otherwise"] = self.route.otherwise
        return inside

    @property
    def without_panel(self) -> "dict[str | None, Choice]":
        """Cheaper ways than a panel: each member by itself, and with None the first answers."""
        first = {"model": ProcessingModel.PARALLEL, "panel": None}
        ways: dict[str | None, Choice] = {None: self.model_copy(update=first)}
        for name in self.services:
            alone = {"model": ProcessingModel.SEQUENTIAL, "services": (name,), "judge": None}
            ways[name] = self.model_copy(update={**first, **alone})
        return ways

    @property
    def own_services(self) -> tuple[str, ...]:
        """The services that this choice itself asks about the task, the judge last."""
        return (*self.services, *((self.judge.service,) if self.judge else ()))

    @property
    def admissible(self) -> tuple[str, ...]:
        """Every service that may be asked, in the order in which that may happen."""
        router = (self.route.service,) if self.route else ()
        inside = [name for choice in self.sub_choices.values() for name in choice.admissible]
        return tuple(dict.fromkeys([*router, *self.own_services, *inside]))


def stand_in(option: str, member: str | None) -> str:
    """The name of what is done instead of the panel of an option: a member by itself, or with None
    the first answers."""
    return f"{option}: {'first answers' if member is None else f'{member} alone'}"


class Rule(_Strict):
    """When the condition holds, the choice is taken; the first rule that holds wins."""

    name: Name = Field(description="its name in processing_plans and on the page")
    because: str = Field(min_length=1, description="the reason in words, shown to people")
    when: Condition = Field(
        min_length=1, description="feature -> comparison, or the value that it must equal"
    )
    choose: Choice


class Directive(_Strict):
    """Takes precedence over rules and what was learned, for the items whose path it names."""

    name: Name = Field(description="its name in processing_plans and on the page")
    because: str = Field(min_length=1, description="the reason in words, shown to people")
    paths: tuple[str, ...] = Field(
        default=("**",),
        min_length=1,
        description="globs over the path relative to the source; all items by default",
    )
    choose: Choice


class Learned(_Strict):
    """Lets a model that was trained on recorded answers and gold decide each step.

    It decides where no directive and no rule holds, once a trained model is promoted. Right is
    what gold or people say, or, where there are too few of these, what the default's judge chose.
    """

    services: tuple[Name, ...] = Field(
        min_length=2, max_length=12, description="the services that it may ask"
    )
    taught: tuple[Name, ...] = Field(
        default=(),
        description="taught services that are asked first: what one answers stands, and the model "
        "decides about what they pass on; their lessons and audits are asked of their teachers, "
        "which must be among the services",
    )
    aim: Literal["accuracy", "price"] = Field(
        default="accuracy",
        description="accuracy: the most that the budget allows; price: the least for which it is "
        "as accurate as the best single service",
    )
    explore: Probability = Field(
        default=0.02,
        description="share of items of which every service is asked, and judged where the "
        "default has a judge, to keep learning",
    )
    price_per_second: Annotated[float, Field(ge=0.0, le=1000.0)] = Field(
        default=0.0,
        description="US dollars that a second of waiting for an item's answer is worth: it counts "
        "beside the price of calls, and services are asked at once where that is worth more than "
        "the calls it may waste",
    )

    @model_validator(mode="after")
    def _each_once(self) -> "Learned":
        if len({*self.taught, *self.services}) != len(self.taught) + len(self.services):
            raise ValueError("a service may be named once")
        return self


class DeclaredAnswer(_Strict):
    """An answer that stands by declaration, without anybody being asked."""

    answer: Scalar | tuple[str, ...] | dict[str, Any] = Field(
        description="a label, a text, a score, the members of a set, or the fields of a record"
    )


class Validation(_Strict):
    """What an answer must satisfy: an expression, or a question that a service answers."""

    rule: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None,
        description="an expression over the fields of a record, or over answer where there are "
        "none, such as total == sum(lines.amount) + vat, date <= due, currency in ['EUR', 'USD'], "
        "matches(answer, '[A-Z]{3}'); answers.TASK and answers.TASK.FIELD are the answers to tasks "
        "before this one",
    )
    service: Name | None = Field(
        default=None,
        description="instead of a rule: the service that is shown the content and the answer, and "
        "says yes or no",
    )
    question: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="what that service is asked about the answer; yes is well"
    )
    because: str = Field(default="", description="why, for services and people")
    otherwise: Literal["repair", "escalate", "review", "fail"] = Field(
        default="repair",
        description="repair: services over HTTP are asked again, with what should hold; escalate: "
        "another service is asked, whose answer stands; what still violates it goes to people; "
        "review: it goes to people; fail: the item has no answer",
    )
    attempts: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="repair: how often a service is asked again at most"
    )
    escalate_to: Name | None = Field(
        default=None,
        description="escalate: the service that is asked; by default the judge, then what else the "
        "plan admits, one after the other",
    )

    @model_validator(mode="after")
    def _one_way_to_tell(self) -> "Validation":
        if (self.rule is None) == (self.service is None):
            raise ValueError("give a rule or a service that is asked: one of them")
        if (self.service is None) != (self.question is None):
            raise ValueError("service and question belong together: give both")
        if self.attempts != 1 and self.otherwise != "repair":
            raise ValueError("attempts: only otherwise: repair asks again")
        if self.escalate_to is not None and self.otherwise != "escalate":
            raise ValueError("escalate_to: only otherwise: escalate asks another service")
        return self


class TaskConfig(_Strict):
    """One question, whom it concerns, and how it is processed."""

    question: str = Field(min_length=1, description="what is asked, for people")
    version: str = Field(default="1", description="change it when the question changes meaning")
    kind: AnswerKind = AnswerKind.LABEL
    own_kind: Name | None = Field(
        default=None,
        description="text, set: a kind of answer of a plug-in that stands on this one, and says "
        "what makes two answers the same and which one stands",
    )
    labels: tuple[str, ...] = Field(default=(), description="label: the closed set, if any")
    scale: tuple[float, float] = Field(
        default=(0.0, 1.0), description="score: the lowest and the highest value"
    )
    fields: Fields = Field(
        default_factory=dict,
        description="record: field -> what it holds, or only its type: label, text, number, date, "
        "boolean or list",
    )
    json_schema: dict[str, Any] | None = Field(
        default=None,
        exclude=True,
        description="record: the fields as a JSON Schema of an object, instead of fields",
    )
    quotes: bool = Field(
        default=False,
        description="record: services over HTTP are asked for the words of the content that each "
        "value rests on; a quote that does not stand in the content is told as ungrounded",
    )
    validate_: tuple[Validation, ...] = Field(
        default=(), alias="validate", description="what an answer must satisfy"
    )
    disagree_at: Probability | None = Field(
        default=None,
        description="distance from which two answers disagree; labels: any difference; records: "
        "any field, by default; vectors: where no threshold is calibrated for the two services",
    )
    near_synonyms: tuple[Annotated[tuple[str, ...], Field(min_length=2)], ...] = Field(
        default=(),
        description="label: groups of labels of which it does not matter which one an item has: "
        "two of a group are a disagreement without consequence",
    )
    bands: tuple[float, ...] = Field(
        default=(),
        description="score: where one band of the scale ends and the next begins, rising; scores "
        "in one band are a disagreement without consequence; by default the thirds of the scale",
    )
    resolve: ResolutionPolicy = Field(
        default=ResolutionPolicy.WEIGHT,
        description="what stands when services disagree: the weightiest answer, that of the "
        "literal or of the semantic services, none above another, or a failure",
    )
    manners: dict[Name, Manner] = Field(
        default_factory=dict,
        description="service -> literal (by words and signs) or semantic (by what they mean)",
    )
    impact: Annotated[float, Field(gt=0.0, le=1000.0)] = Field(
        default=1.0, description="what a wrong answer costs, against other tasks"
    )
    gold: str | None = Field(
        default=None,
        min_length=1,
        description="metadata column of record files that holds the right answer, if there is one",
    )
    applies_to: TaskCondition = Field(
        default_factory=dict,
        description="items that the task is asked of; empty means all. Feature -> comparison, or "
        "answers.TASK and, of a record, answers.TASK.FIELD -> comparison with what the deciding "
        "services answered to another task about the item, by their stated confidences",
    )
    after: tuple[Name, ...] = Field(
        default=(),
        description="tasks that are answered first, and whose answers prompts may show as answers; "
        "by default those that applies_to names",
    )
    otherwise: Literal["skip", "ask"] | DeclaredAnswer = Field(
        default="skip",
        description="what happens where a task that is answered first failed, abstained, was "
        "skipped, or is too risky: the item is skipped, is asked about all the same, or has the "
        "declared answer; where one is deferred, so is this one",
    )
    parts: Parts | None = Field(
        default=None,
        description="asked of each part of an item by itself, so that nothing of a long one is "
        "left out, and a change asks about the changed parts again; null: of whole items",
    )
    join: Join | None = Field(
        default=None,
        description="how the answers about parts become one: union (set; record: lists united, "
        "single values by vote), vote (label, score: median, set, record), first (the first part "
        "that has an answer; record: field by field), concatenation (text), or a service that is "
        "shown all of them; by default union, vote or concatenation, as the kind has it",
    )
    passages: PassageRequest | None = Field(
        default=None,
        description="passages of knowledge that are found for each item, and that prompts show as "
        "passages",
    )
    redact_answers: tuple[SensitiveKind | Literal["keep_secret"], ...] | None = Field(
        default=None,
        description="what is taken out of answers, their evidence and reasons before they are kept "
        "or shown, beside secret, which always is, unless keep_secret stands in the list, for a "
        "task that looks for secrets; by default secret alone, so that a task may ask for "
        "addresses or numbers",
    )
    memory: bool = Field(
        default=False,
        description="whether prompts show as memory what is remembered of the messages before an "
        "item, in its conversation",
    )
    tools: ToolsConfig | None = Field(
        default=None,
        description="tools that services of type openai_chat may call for an answer, and bounds",
    )
    directives: tuple[Directive, ...] = ()
    rules: tuple[Rule, ...] = ()
    learned: Learned | None = None
    default: Choice = Field(description="taken when nothing else decides")

    @property
    def taken_out(self) -> tuple[SensitiveKind, ...] | None:
        """What is taken out of answers; None for what is where the task does not say."""
        if self.redact_answers is None:
            return None
        named = (*self.redact_answers, SensitiveKind.SECRET)
        listed = dict.fromkeys(one for one in named if isinstance(one, SensitiveKind))
        keeps = KEEP_SECRET in self.redact_answers
        return tuple(one for one in listed if not (keeps and one is SensitiveKind.SECRET))

    @model_validator(mode="after")
    def _secrets_go_or_stay(self) -> "TaskConfig":
        if {KEEP_SECRET, SensitiveKind.SECRET} <= set(self.redact_answers or ()):
            raise ValueError(
                "redact_answers: secret and keep_secret contradict each other: leave out one"
            )
        return self

    @model_validator(mode="after")
    def _manner_has_a_service(self) -> "TaskConfig":
        wanted = str(self.resolve)
        if wanted in set(Manner) and wanted not in self.manners.values():
            raise ValueError(f"resolve: {wanted} needs a service with that manner under manners")
        asked = {name for choice in self.choices.values() for name in choice.admissible}
        if strangers := sorted(set(self.manners) - asked):
            raise ValueError(f"manners names {', '.join(strangers)}, never asked by this task")
        return self

    @model_validator(mode="after")
    def _scale_has_a_length(self) -> "TaskConfig":
        if self.scale[0] >= self.scale[1]:
            raise ValueError("scale must go from a lower to a higher value")
        return self

    @model_validator(mode="before")
    @classmethod
    def _fields_of_a_schema(cls, given: Any) -> Any:
        """What is kept, hashed and pinned are the fields, however they were declared."""
        schema = given.get("json_schema") if isinstance(given, dict) else None
        if schema is None:
            return given
        if given.get("fields"):
            raise ValueError("give fields or json_schema: both are given")
        if not isinstance(schema, dict):
            raise ValueError("json_schema must be a mapping")
        declared = {key: value for key, value in given.items() if key != "json_schema"}
        return declared | {"fields": fields_in_schema(schema)}

    @model_validator(mode="after")
    def _fields_fit_the_kind(self) -> "TaskConfig":
        if self.kind is not AnswerKind.RECORD and (self.fields or self.quotes):
            named = "fields" if self.fields else "quotes"
            raise ValueError(f"{named}: only a task of kind record has fields")
        if self.kind is AnswerKind.VECTOR and self.validate_:
            raise ValueError("validate: nothing can be said of the numbers of a vector")
        if self.kind is AnswerKind.RECORD and not self.fields:
            raise ValueError("a task of kind record needs its fields: give fields or json_schema")
        return self

    @model_validator(mode="after")
    def _otherwise_follows_something(self) -> "TaskConfig":
        if self.otherwise != "skip" and not self.inputs:
            raise ValueError("otherwise: only a task that comes after another has a use for it")
        return self

    @model_validator(mode="after")
    def _join_fits_the_kind(self) -> "TaskConfig":
        if self.parts is None:
            if self.join is not None:
                raise ValueError("join: only a task with parts has answers to join")
            return self
        ways = JOINS[self.kind]
        if not ways:
            raise ValueError(f"parts: answers of kind {self.kind} cannot be joined")
        way = "service" if isinstance(self.join, ServiceJoin) else self.join
        if way is not None and way not in ways:
            raise ValueError(f"join: a {self.kind} is joined by {', '.join(ways)}, not by {way}")
        of, _ = self.parts.list_named
        if of and of not in self.after:
            raise ValueError(f"parts: of names the task {of}: put it into after")
        return self

    @property
    def task_parts(self) -> TaskParts | None:
        """Of which parts it is asked; None for whole items."""
        return task_parts(self.parts, self.join, self.kind)

    @property
    def joiners(self) -> tuple[str, ...]:
        """The service that joins the answers about parts, if one does."""
        return (self.join.service,) if isinstance(self.join, ServiceJoin) else ()

    @property
    def shown_tasks(self) -> tuple[str, ...]:
        """The tasks whose answers prompts may show."""
        return tuple(dict.fromkeys(self.after or (task for task, _ in on_answers(self.applies_to))))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tasks that are answered first."""
        conditions = (task for task, _ in on_answers(self.applies_to))
        return tuple(dict.fromkeys((*self.after, *conditions)))

    @property
    def record_fields(self) -> tuple[RecordField, ...]:
        """The fields of a record; none of another kind."""
        return fields_of(self.fields)

    @model_validator(mode="after")
    def _consequences_fit_the_kind(self) -> "TaskConfig":
        if self.bands:
            if self.kind is not AnswerKind.SCORE:
                raise ValueError("bands: only a task of kind score has a scale")
            steps = (self.scale[0], *self.bands, self.scale[1])
            if any(a >= b for a, b in itertools.pairwise(steps)):
                raise ValueError("bands must rise, within the scale")
        if self.near_synonyms and self.kind is not AnswerKind.LABEL:
            raise ValueError("near_synonyms: only a task of kind label has labels")
        named = {label for group in self.near_synonyms for label in group}
        if self.labels and (strangers := sorted(named - set(self.labels))):
            raise ValueError(f"near_synonyms names {', '.join(strangers)}, not in labels")
        return self

    @property
    def choices(self) -> dict[str, Choice]:
        """Every way to process an item of this task, by the name it is known by."""
        directed = {one.name: one.choose for one in self.directives}
        ruled = {rule.name: rule.choose for rule in self.rules}
        declared = directed | ruled | self._learned_choices | {DEFAULT: self.default}
        return declared | self.stand_ins

    @property
    def stand_ins(self) -> dict[str, Choice]:
        """What is done instead of panels that do not pay, by the name that it is known by."""
        directed = [(one.name, one.choose) for one in self.directives]
        ruled = [(rule.name, rule.choose) for rule in self.rules]
        return {
            stand_in(option, member): choice
            for option, panel in (*directed, *ruled, (DEFAULT, self.default))
            if panel.panel is not None
            for member, choice in panel.without_panel.items()
        }

    @property
    def askable(self) -> tuple[str, ...]:
        """Every service that may be asked about an item of this task, whatever way is taken."""
        validating = [
            name for one in self.validate_ for name in (one.service, one.escalate_to) if name
        ]
        chosen = [name for choice in self.choices.values() for name in choice.admissible]
        return tuple(dict.fromkeys((*chosen, *self.joiners, *validating)))

    @property
    def _learned_choices(self) -> dict[str, Choice]:
        """Asking step by step, and asking every service to learn from it."""
        if self.learned is None:
            return {}
        services = self.learned.services
        judge = self.default.judge
        if judge is not None:
            # what is judged teaches: without gold nothing else does
            judges = judge.service not in services
            judge = Judge(service=judge.service, when="always") if judges else None
        return {
            LEARNED: Choice(
                model=ProcessingModel.SEQUENTIAL, services=(*self.learned.taught, *services)
            ),
            EXPLORE: Choice(model=ProcessingModel.PARALLEL, services=services, judge=judge),
        }


class SizeTiers(_Strict):
    """From which size workers (forks, or Dask's) may compute a batch, and in which chunks."""

    dask_from_items: Annotated[int, Field(ge=0)] = Field(
        default=500, description="batches of fewer items are profiled in the run's own process"
    )
    dask_from_bytes: Annotated[int, Field(ge=0)] = Field(
        default=4 * MIB, description="unless their content is at least this large"
    )
    dask_from_s: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description=(
            "beyond these boundaries, work goes to workers once what is left of a step would take "
            "the run's own process so many processor seconds; null: to forks at once, to Dask's "
            "once, by what was measured, they save more than starting them takes; 0: always"
        ),
    )
    chunk_items: Annotated[int, Field(ge=1)] = Field(
        default=200, description="a chunk of work closes at this many items"
    )
    chunk_bytes: Annotated[int, Field(ge=1)] = Field(
        default=8 * MIB, description="a chunk of work closes at this many bytes"
    )


class FeatureCache(_Strict):
    """Where profiles and vectors are kept, from the nearest tier to the most durable."""

    memory_bytes: Annotated[int, Field(ge=0)] = Field(
        default=64 * MIB, description="first tier, this process's memory; 0 turns it off"
    )
    local_bytes: Annotated[int, Field(ge=0, le=16 * MIB**2)] = Field(
        default=1024 * MIB, description="second tier, LMDB on this machine; 0 turns it off"
    )
    redis_url_env: VariableName | None = Field(
        default=None,
        description="environment variable with the address of a Redis that replaces LMDB",
    )
    durable: Annotated[PlainAddress, Field(min_length=1)] | None = Field(
        default="features",
        description="third tier: a folder below the home, or any fsspec URL; null turns it off",
    )
    durable_bytes: Annotated[int, Field(ge=1)] = Field(
        default=4096 * MIB, description="the oldest segments beyond this are deleted"
    )
    keep_days: Annotated[float, Field(gt=0, le=36_500)] = Field(
        default=90.0, description="time to live in Redis and in the durable tier"
    )
    min_item_bytes: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="results of smaller items are not kept; null: profiles from 1,024 bytes on, "
        "vectors from 8,192, below which computing them is cheaper",
    )


class Execution(_Strict):
    """How work is driven."""

    tiers: SizeTiers = SizeTiers()
    cache: FeatureCache = FeatureCache()
    items_in_flight: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=32, description="items whose plans run at the same time"
    )
    budget_usd: Annotated[float, Field(ge=0.0)] | None = Field(
        default=None,
        description="a batch spends no more than this until it is finished, runs that were stopped "
        "included; what buys most is asked, the rest is over_budget",
    )
    item_deadline_s: Annotated[float, Field(gt=0.0)] = Field(
        default=300.0,
        description="the requests of a call for an item, with the delays of its retries, take no "
        "longer in all; waiting for its turn, for money or for an unavailable service does not "
        "count",
    )
    batch_deadline_s: Annotated[float, Field(gt=0.0)] | None = Field(
        default=None, description="no call of a batch goes on after this time"
    )
    deferred_pause_s: Annotated[float, Field(gt=0.0, le=86_400.0)] = Field(
        default=600.0,
        description="the sensor takes deferred questions of a batch up again after so long; the "
        "pause doubles every time, to a day, and after 12 times it leaves them to a person",
    )


class Review(_Strict):
    """Which answers are taken as they are, which people look at, and which are refused."""

    accept_above: Probability = Field(
        default=0.9, description="answers that are right with a higher probability are accepted"
    )
    reject_below: Probability = Field(
        default=0.6, description="answers that are right with a lower probability are rejected"
    )
    max_rows: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=500, description="questions that a batch may put before people"
    )
    audit_share: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.2,
        description="share of the questions that is spread evenly over all answers, accepted ones "
        "too, so that verdicts tell about all of them; the rest goes where verdicts are worth most",
    )

    @model_validator(mode="after")
    def _bands_in_order(self) -> "Review":
        if self.reject_below > self.accept_above:
            raise ValueError("reject_below must not lie above accept_above")
        return self


class Disagreement(_Strict):
    """What is looked for where services disagree, and what becomes of it."""

    kinds: tuple[DisputeKind, ...] = Field(
        default=(
            DisputeKind.ENTITY_CONFLICT,
            DisputeKind.TYPE_CONFLICT,
            DisputeKind.OUTLIER_SERVICE,
        ),
        description="kinds that are looked for; opposed_tone is less precise and figurative "
        "misses most, so both are off",
    )
    learn_from_items: Annotated[int, Field(ge=20)] = Field(
        default=200,
        description="least number of items with three or more independent answers from which "
        "a batch by itself estimates how reliable its services are",
    )
    unusual_share: Annotated[float, Field(gt=0.0, le=0.5)] = Field(
        default=0.05,
        description="vectors: the share of ordinary items on which two services may be flagged as "
        "disagreeing; the distance that this means for them is calibrated",
    )
    nearby_batches: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=50,
        description="earlier batches that are read to show how the services answered the nearest "
        "earlier items of a disagreement; 0 for none",
    )
    nearby_s: Annotated[float, Field(gt=0.0, le=3600.0)] = Field(
        default=30.0,
        description="time limit for reading earlier batches; those not read are reported",
    )
    review: Review = Review()


class Features(_Strict):
    """What is computed of an item's content beside its profile, and what that is used for."""

    semantic: bool = Field(
        default=False, description="word embeddings too; needs the extra 'semantic'"
    )
    window: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=10_000, description="earlier items that neighbours and near-copies are sought among"
    )
    neighbours: Annotated[int, Field(ge=0, le=100)] = Field(
        default=5, description="nearest earlier items that are kept for each item"
    )
    neighbour_s: Annotated[float, Field(ge=0)] = Field(
        default=30.0,
        description="time a batch may take in all to read near items that services are shown",
    )
    near_duplicate_at: Annotated[float, Field(ge=0.5, le=1.0)] = Field(
        default=0.8, description="share of common word runs from which items are near-copies"
    )
    share_answers: bool = Field(
        default=False, description="services are asked once for all near-copies in a batch"
    )
    added: Annotated[tuple[Name, ...], Field(max_length=20)] = Field(
        default=(),
        description="profile features of plug-ins that are computed of each item, in this order; "
        "conditions may look at them as at packaged ones",
    )

    @model_validator(mode="after")
    def _added_once(self) -> "Features":
        twice = sorted({name for name in self.added if self.added.count(name) > 1})
        if twice:
            raise ValueError(f"added names {', '.join(twice)} more than once")
        return self


class Webhook(_Strict):
    """A web address that is told of failed runs and of alerts. The address itself stands in no
    file."""

    url_env: VariableName = Field(description="name of the environment variable that holds the URL")
    timeout_s: Annotated[float, Field(gt=0, le=5)] = Field(
        default=2.0, description="for connecting, and for each wait for the answer"
    )
    attempts: Annotated[int, Field(ge=1, le=5)] = Field(
        default=3, description="in all; none starts more than six seconds after the first"
    )


class Alerts(_Strict):
    """Who is told when a run fails or signals are not as they should be; records are kept in
    either case."""

    webhook: Webhook | None = None
    rules: Annotated[tuple[AlertRule, ...], Field(max_length=100)] = Field(
        default=(), description="signals with thresholds; told once as it begins and as it ends"
    )
    budgets: Annotated[tuple[BudgetAlert, ...], Field(max_length=20)] = Field(
        default=(), description="budgets that are told of when they are spent too fast"
    )


class Feedback(_Strict):
    """How verdicts of people are taken in."""

    settle_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=10.0, description="a verdict file is read once it has not changed for this long"
    )


class Report(_Strict):
    """What reports, review files and `orchestrate explain` show beside the answers."""

    content: Literal["excerpt", "none"] = Field(
        default="excerpt",
        description="excerpt: the part of an item's content that tells which answer is right, "
        "secrets and personal data replaced; none: nothing of it, nor of its metadata",
    )


class Policy(_Strict):
    """The declarative file: tasks, services, rules and limits."""

    version: Literal[2] = Field(
        description="version of this format; files of version 1 still run, and `orchestrate policy "
        "migrate FILE` rewrites them"
    )
    content: Content = Content()
    knowledge: dict[Name, KnowledgeConfig] = Field(
        default_factory=dict,
        description="name -> documents that questions are answered from; they are no content: "
        "nothing is asked about them",
    )
    conversation: ConversationConfig = ConversationConfig()
    features: Features = Features()
    execution: Execution = Execution()
    disagreement: Disagreement = Disagreement()
    alerts: Alerts = Alerts()
    feedback: Feedback = Feedback()
    report: Report = Report()
    tracing: Tracing | None = Field(
        default=None,
        description="traces of batches for receivers of OpenTelemetry; needs the extra 'otel'",
    )
    rollout: Rollout | None = Field(
        default=None,
        description="tries this policy on a share of the items before it takes the place of the "
        "one in force",
    )
    services: dict[Name, ServiceConfig] = Field(
        min_length=1, description="service name -> what answers, embedded or over HTTP"
    )
    tasks: dict[Name, TaskConfig] = Field(
        min_length=1, description="task name -> what is asked of which items, and how"
    )

    def canonical(self) -> dict[str, Any]:
        """The policy as plain values with defaults filled in: what its hash is taken over."""
        return self.model_dump(mode="json", by_alias=True)
