"""The models of the policy's services: embedded ones, and ones that are asked over HTTP.

Every limit has a default that is on: a service that only says where it is and what to ask has
timeouts, retries, a circuit breaker, a bulkhead and redaction.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from orchestration_assets.schemas.addresses import ServiceAddress
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


class EmbeddedConfig(Strict):
    """``type: embedded`` names an implementation that runs in this process."""

    type: Literal["embedded"] = "embedded"
    implementation: Name = Field(description="name of the embedded implementation")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="what the implementation lets you set"
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
        default=0.5, description="opens when this share of the window failed"
    )
    min_attempts: Annotated[int, Field(ge=1)] = Field(
        default=10, description="never opens before so many attempts"
    )
    open_s: _Seconds = Field(
        default=30.0, description="time until one probe is let through; doubles while probes fail"
    )

    @model_validator(mode="after")
    def _window_holds_the_minimum(self) -> "BreakerConfig":
        if self.min_attempts > self.window:
            raise ValueError("min_attempts must not exceed window")
        return self


class Rates(Strict):
    """The most that a service is asked a minute; None is no limit."""

    requests_per_minute: Annotated[float, Field(ge=1.0)] | None = None
    tokens_per_minute: Annotated[float, Field(ge=1.0)] | None = None


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


class KnownItem(Strict):
    """An item whose answer is known, asked end to end by the business health check."""

    task: Name
    text: str = Field(min_length=1)
    expect: str = Field(min_length=1, description="the answer, as text")


class HttpConfig(Strict):
    """What every service over HTTP says of itself."""

    base_url: ServiceAddress = Field(
        description="up to and without /chat/completions or /embeddings"
    )
    model: str = Field(min_length=1, description="the model's name at the service")
    api_key_env: VariableName | None = Field(
        default=None, description="environment variable that holds the key; never the key itself"
    )
    parameters: dict[str, Any] = Field(
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


class Prompt(Strict):
    """Jinja2 templates. Known: task, labels, scale, content, earlier, neighbours, path.

    Unknown names fail. ``earlier`` holds what other services answered (service, answer,
    confidence), ``neighbours`` near items of earlier batches, the nearest first (content, answer,
    similarity, path).
    """

    system: str = ""
    user: str = Field(min_length=1)


class ChatConfig(HttpConfig):
    """``type: openai_chat``: label, set, text and score tasks through chat completions."""

    type: Literal["openai_chat"]
    prompt: Prompt = Field(description="what is asked for every task")
    prompts: dict[Name, Prompt] = Field(
        default_factory=dict, description="task -> what is asked for this one instead"
    )
    max_output_tokens: Annotated[int, Field(ge=1)] = 256
    structured: bool = Field(
        default=True, description="ask for an answer under a JSON schema (response_format)"
    )
    logprobs: bool = Field(
        default=False, description="take the confidence from token probabilities"
    )
    stream: bool = Field(default=False, description="read the answer as it is written")


class EmbeddingsConfig(HttpConfig):
    """``type: openai_embeddings``: vector tasks, many items a request."""

    type: Literal["openai_embeddings"]
    batch_size: Annotated[int, Field(ge=1, le=2048)] = Field(
        default=64, description="items sent in one request"
    )
    linger_ms: Annotated[float, Field(ge=0.0)] = Field(
        default=50.0, description="how long an incomplete batch waits for more items"
    )
    timeouts: Timeouts = Timeouts(total_s=30.0)


def _type_of(given: Any) -> str | None:
    found = given.get("type", "embedded") if isinstance(given, dict) else given
    return found if isinstance(found, str) else getattr(given, "type", None)


RemoteConfig = ChatConfig | EmbeddingsConfig
ServiceConfig = Annotated[
    Annotated[EmbeddedConfig, Tag("embedded")]
    | Annotated[ChatConfig, Tag("openai_chat")]
    | Annotated[EmbeddingsConfig, Tag("openai_embeddings")],
    Discriminator(
        _type_of,
        custom_error_type="service_type",
        # what pydantic itself says quotes the file
        custom_error_message="must be a mapping whose type is 'embedded', 'openai_chat' or "
        "'openai_embeddings'",
    ),
]
"""One service of the policy; ``type`` says which, embedded when it is left out."""
