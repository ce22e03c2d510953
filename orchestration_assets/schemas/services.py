"""The models of the policy's services: embedded ones, and ones that are asked over HTTP.

Every limit has a default that is on: a service that only says where it is and what to ask has
timeouts, retries, a circuit breaker, a bulkhead and redaction.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from orchestration_assets.schemas.addresses import ServiceAddress
from orchestration_assets.schemas.pasted_secrets import Parameters
from orchestration_assets.schemas.variables import VariableName

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
_Seconds = Annotated[float, Field(gt=0.0, le=3600.0)]
_Usd = Annotated[float, Field(ge=0.0, le=1e6)]


class Strict(BaseModel):
    """Refuses unknown keys, and cannot be changed."""

    # what stands in the file may be a secret in the wrong place: no traceback quotes it
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class SensitiveKind(StrEnum):
    """What is taken out of content before it leaves the machine."""

    SECRET = "secret"  # noqa: S105 -- the name of a kind, no secret
    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    IP_ADDRESS = "ip_address"
    SOCIAL_SECURITY = "social_security"


KEEP_SECRET: Final = "keep_secret"  # noqa: S105 -- a word of policies
"""In the place of a kind: credentials in answers stay, of a task that looks for them."""


class EmbeddedConfig(Strict):
    """``type: embedded`` names an implementation that runs in this process."""

    type: Literal["embedded"] = Field(
        default="embedded", description="a service that runs in this process"
    )
    implementation: Name = Field(description="name of the embedded implementation")
    parameters: Parameters = Field(
        default_factory=dict, description="what the implementation lets you set"
    )


class TaughtConfig(Strict):
    """``type: taught``: a model in this process that learns one task from another service."""

    type: Literal["taught"] = Field(
        description="a service that was taught by another one's answers"
    )
    by: Name = Field(description="its teacher: the service whose answers it learns")
    task: Name = Field(description="the task that it learns: of labels, sets or scores")
    at_most: Annotated[float, Field(gt=0.0, le=0.5)] = Field(
        default=0.005,
        description="share of all items that it may answer otherwise than its teacher would",
    )
    guarantee: Literal["estimated", "exact"] = Field(
        default="estimated",
        description="estimated: the bound of 97.5 % follows how agreement falls off with sureness "
        "on held-out answers; exact: the errors that were counted alone must keep it too, which "
        "takes 736 answers for a promise of 0.5 %",
    )
    lessons: Annotated[int, Field(ge=50, le=2000)] = Field(
        default=300,
        description="answers of the teacher that it learns from before it answers anything; what "
        "earlier batches lack of them, the first items of a batch are asked for",
    )
    audit_share: Annotated[float, Field(ge=0.001, le=1.0)] = Field(
        default=0.02,
        description="share of items, by their content, that the teacher answers in any case: to "
        "learn from, and to see whether the promise still holds",
    )
    tolerance: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.05,
        description="score: how far from the teacher's still counts as the same, as a share of the "
        "scale",
    )


class TokenPrice(Strict):
    """What a service charges, in US dollars."""

    input_usd: _Usd = Field(default=0.0, description="per million tokens that it reads")
    output_usd: _Usd = Field(default=0.0, description="per million tokens that it writes")
    call_usd: _Usd = Field(default=0.0, description="per answered request, whatever its size")

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """The price of one answered request."""
        tokens = tokens_in * self.input_usd + tokens_out * self.output_usd
        return self.call_usd + tokens / 1e6


class Timeouts(Strict):
    """How long is waited, from the smallest step to the whole attempt."""

    connect_s: _Seconds = Field(default=5.0, description="until the connection stands")
    first_token_s: _Seconds = Field(
        default=20.0, description="streaming: until the first token of the answer arrives"
    )
    total_s: _Seconds = Field(default=60.0, description="until one attempt must be over")
    health_s: _Seconds = Field(default=5.0, description="until a health check must be over")


class Retries(Strict):
    """When a failed attempt is made again."""

    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        default=3, description="attempts at one call, the first included"
    )
    backoff_s: _Seconds = Field(
        default=0.5, description="longest wait before the second attempt; doubles every time"
    )
    backoff_max_s: _Seconds = Field(default=30.0, description="no wait is longer than this")
    budget: Annotated[float, Field(ge=0.0, le=10.0)] = Field(
        default=0.2, description="retries allowed for each call of the run, on average"
    )


class BreakerConfig(Strict):
    """When a failing service is left alone for a while."""

    window: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=20, description="attempts over which the failure rate is taken"
    )
    failure_rate: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.75,
        description="opens when this share of the window failed; malformed answers count only "
        "while most are, requests to slow down (429) never",
    )
    min_attempts: Annotated[int, Field(ge=1)] = Field(
        default=10, description="never opens before so many attempts"
    )
    open_s: _Seconds = Field(
        default=5.0,
        description="time until one probe is let through; doubles while probes fail, to 4 times",
    )
    wait_s: Annotated[float, Field(ge=0.0, le=86_400.0)] | None = Field(
        default=None,
        description="items wait so long in all for a service that is unavailable, then go to its "
        "fallbacks, then are deferred; null: 120 s, with fallbacks twice open_s",
    )

    @model_validator(mode="after")
    def _window_holds_the_minimum(self) -> "BreakerConfig":
        if self.min_attempts > self.window:
            raise ValueError("min_attempts must not exceed window")
        return self


class Rates(Strict):
    """The most that a service is asked a minute; null is no limit."""

    requests_per_minute: Annotated[float, Field(ge=1.0)] | None = Field(
        default=None, description="requests a minute, retries included"
    )
    tokens_per_minute: Annotated[float, Field(ge=1.0)] | None = Field(
        default=None, description="tokens of requests a minute, as estimated"
    )


class Guard(Strict):
    """What is checked on the way out and on the way in."""

    redact: tuple[SensitiveKind, ...] = Field(
        default=tuple(SensitiveKind), description="what is taken out before anything leaves"
    )
    repair: bool = Field(
        default=True, description="ask once more, with the problem, when an answer does not fit"
    )


class Context(Strict):
    """How much a service is shown."""

    window_tokens: Annotated[int, Field(ge=256)] = Field(
        default=8192, description="tokens that the model takes, prompt and answer together"
    )
    content_tokens: Annotated[int, Field(ge=32)] = Field(
        default=4096, description="tokens of the content that are sent at most"
    )
    neighbour_tokens: Annotated[int, Field(ge=0)] = Field(
        default=512, description="tokens of near items that are sent at most, all together"
    )
    passage_tokens: Annotated[int, Field(ge=0)] = Field(
        default=2048, description="tokens of passages that are sent at most, all together"
    )
    memory_tokens: Annotated[int, Field(ge=0)] = Field(
        default=2048,
        description="tokens of a conversation's memory that are sent at most, all together",
    )


class KnownItem(Strict):
    """An item whose answer is known, asked end to end by the business health check."""

    task: Name = Field(description="the task that is asked")
    text: str = Field(min_length=1, description="the item's content")
    expect: str = Field(min_length=1, description="the answer, as text")


_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# of the connection or of this project: whoever set them would break requests or hide who asks
_OWN_HEADERS: Final = frozenset(
    "accept accept-encoding connection content-encoding content-length content-type cookie expect "
    "host idempotency-key keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
_SECRET_NAME: Final = re.compile(r"auth|key|token|secret|password|credential|signature", re.I)
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")
_SECRET_VALUE: Final = re.compile(r"(?:bearer|basic|token)\s|sk-", re.I)


def _header_names(headers: dict[str, str]) -> None:
    """Raises ValueError for a name that cannot be set."""
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an HTTP header")
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"the header {name} is set by the service itself")
    names = [name.lower() for name in headers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice[0]} is set twice")


class HttpConfig(Strict):
    """What every service over HTTP says of itself."""

    base_url: ServiceAddress | None = Field(
        default=None,
        description="up to and without /chat/completions or /embeddings; or give base_url_env",
    )
    base_url_env: (
        Annotated[str, Field(pattern=r"^ORCHESTRATION_[A-Z0-9_]+$", max_length=200)] | None
    ) = Field(
        default=None,
        validate_default=True,
        description="environment variable that holds the address instead of base_url; its name "
        "begins with ORCHESTRATION_",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="header -> value, sent with every request; secret values belong in header_env",
    )
    header_env: dict[str, VariableName] = Field(
        default_factory=dict,
        description="header -> environment variable that holds its value, such as api-key",
    )
    model: str = Field(min_length=1, description="the model's name at the service")
    api_key_env: VariableName | None = Field(
        default=None,
        description="environment variable that holds the service's API key, never the key itself",
    )
    parameters: Parameters = Field(
        default_factory=dict, description="sent with every request as they are, e.g. temperature"
    )
    price: TokenPrice = TokenPrice()
    expected_ms: Annotated[float, Field(gt=0.0)] = Field(
        default=1000.0, description="usual time of one call, for forecasts"
    )
    concurrency: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=16, description="calls under way at once; the connection pool is as large"
    )
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    breaker: BreakerConfig = BreakerConfig()
    rates: Rates = Rates()
    guard: Guard = Guard()
    context: Context = Context()
    fallbacks: tuple[Name, ...] = Field(
        default=(), description="services asked in this order when this one gives no answer"
    )
    known_item: KnownItem | None = None

    @field_validator("base_url_env")
    @classmethod
    def _one_address(cls, variable: str | None, info: ValidationInfo) -> str | None:
        # an address that is wrong in itself is told as that
        given = "base_url" not in info.data or info.data["base_url"] is not None
        if given and variable is not None:
            raise ValueError("give base_url or base_url_env: both are given")
        if not given and variable is None:
            raise ValueError("give base_url or base_url_env: neither is given")
        return variable

    @field_validator("headers")
    @classmethod
    def _headers_that_may_be_read(cls, headers: dict[str, str]) -> dict[str, str]:
        _header_names(headers)
        for name, value in headers.items():
            if _SECRET_NAME.search(name) or _SECRET_VALUE.match(value):
                raise ValueError(
                    f"the value of {name} looks secret: put it into an environment variable and "
                    "name that in header_env"
                )
            if not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"the value of {name} must be one line of printable ASCII")
        return headers

    @field_validator("header_env")
    @classmethod
    def _headers_of_their_own(
        cls, header_env: dict[str, str], info: ValidationInfo
    ) -> dict[str, str]:
        _header_names(header_env)
        both = {name.lower() for name in header_env} & {
            name.lower() for name in info.data.get("headers", {})
        }
        if both:
            raise ValueError(f"{min(both)} is set in headers too")
        return header_env

    @field_validator("api_key_env")
    @classmethod
    def _one_authorization(cls, variable: str | None, info: ValidationInfo) -> str | None:
        names = {name.lower() for name in info.data.get("header_env", {})}
        if variable is not None and "authorization" in names:
            raise ValueError("header_env sets authorization, and so does api_key_env: give one")
        return variable


class Prompt(Strict):
    """Jinja2 templates. Known: task, labels, scale, fields, content, earlier, neighbours, path,
    answers, part, parts, passages, memory.

    Unknown names fail. ``fields`` are those of a record, in words; where a prompt does not name
    them, they are said after it. ``earlier`` holds what other services answered (service, answer,
    confidence), ``neighbours`` near items of earlier batches, the nearest first (content, answer,
    similarity, path), ``answers`` those to the tasks that come before this one: task -> its text,
    of a record field -> text; empty where there is none. ``part`` says of which part of an item
    the content is (number, of, heading); ``parts`` holds what was answered about each, for a
    service that joins (number, of, heading, answer), whose content says the same. ``passages`` are
    those of knowledge (number, document, heading, content, corpus). ``memory`` is what is
    remembered of a conversation: its ``text``, or ``core``, ``facts``, ``summary``, ``events`` and
    ``recent``, each a list (text, number, speaker); its ``speaker`` says the content itself.
    """

    system: str = Field(default="", description="the system message; empty sends none")
    user: str = Field(min_length=1, description="the user message")


_REASON_TOKENS: Final = 100


class ChatConfig(HttpConfig):
    """``type: openai_chat``: label, set, text and score tasks through chat completions."""

    type: Literal["openai_chat"] = Field(description="a service with /chat/completions")
    prompt: Prompt = Field(description="what is asked for every task")
    prompts: dict[Name, Prompt] = Field(
        default_factory=dict, description="task -> what is asked for this one instead"
    )
    max_output_tokens: Annotated[int, Field(ge=1)] = Field(
        default=256, description="tokens that an answer may have; what is reserved for one"
    )
    max_output_name: (
        Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)] | None
    ) = Field(
        default="max_tokens",
        description="member of the request that says max_output_tokens: max_tokens, or "
        "max_completion_tokens for services that refuse the former; null sends no limit",
    )
    structured: bool = Field(
        default=True, description="ask for an answer under a JSON schema (response_format)"
    )
    explain: bool = Field(
        default=False,
        description="ask for a short reason that quotes what decides, in a member of the answer's "
        "schema and a sentence at the end of the prompt; it is kept as evidence and marked where "
        "people see the content; the answer may have 100 tokens more; an answer without it counts",
    )
    logprobs: bool = Field(
        default=False, description="take the confidence from token probabilities"
    )
    stream: bool = Field(default=False, description="read the answer as it is written")

    @property
    def output_tokens(self) -> int:
        """Tokens that a reply may have: those of the answer, and of the reason if there is one."""
        return self.max_output_tokens + _REASON_TOKENS * self.explain


class EmbeddingsConfig(HttpConfig):
    """``type: openai_embeddings``: vector tasks, many items a request."""

    type: Literal["openai_embeddings"] = Field(description="a service with /embeddings")
    batch_size: Annotated[int, Field(ge=1, le=2048)] = Field(
        default=64, description="items sent in one request"
    )
    linger_ms: Annotated[float, Field(ge=0.0)] = Field(
        default=50.0, description="how long an incomplete batch waits for more items"
    )
    dimensions: Annotated[int, Field(ge=1, le=65_536)] | None = Field(
        default=None,
        description="components that a vector must have; without it, as many as parameters."
        "dimensions asks for, else as many as the first answer of a run has",
    )
    timeouts: Timeouts = Timeouts(total_s=30.0)


def _type_of(given: Any) -> str | None:
    kind = given.get("type", "embedded") if isinstance(given, dict) else given
    return kind if isinstance(kind, str) else getattr(given, "type", None)


LocalConfig = EmbeddedConfig | TaughtConfig
"""Services that run in this process."""
RemoteConfig = ChatConfig | EmbeddingsConfig
ServiceConfig = Annotated[
    Annotated[EmbeddedConfig, Tag("embedded")]
    | Annotated[TaughtConfig, Tag("taught")]
    | Annotated[ChatConfig, Tag("openai_chat")]
    | Annotated[EmbeddingsConfig, Tag("openai_embeddings")],
    Discriminator(
        _type_of,
        custom_error_type="service_type",
        # what pydantic itself says quotes the file
        custom_error_message="must be a mapping whose type is 'embedded', 'taught', "
        "'openai_chat' or 'openai_embeddings'",
    ),
]
"""One service of the policy; ``type`` says which, embedded when it is left out."""


def is_paid(services: Mapping[str, ServiceConfig]) -> bool:
    """Whether any of the services charges anything."""
    prices = [one.price for one in services.values() if isinstance(one, HttpConfig)]
    return any(price.of(1.0, 1.0) > 0.0 for price in prices)
