"""What one call to a service is expected to cost, from the tokens of what it is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.selection.shown_context import (
    NOTHING_SHOWN,
    ShownPieces,
    shown_tokens,
)
from orchestration_assets.services.contract import Service
from orchestration_assets.text.replies.stated_reasons import prompt_tokens
from orchestration_assets.text.token_estimates import OutputScale
from resources.ai_services.http.service import HttpService


@dataclass(frozen=True, slots=True)
class ExpectedPrices:
    """Expected prices in US dollars. ``observed``: the mean price of recent calls, by service;
    ``shown``: what prompts usually show beside the content, by task."""

    services: Mapping[str, Service]
    observed: Mapping[str, float] = field(default_factory=dict)
    shown: Mapping[str, ShownPieces] = field(default_factory=dict)

    def of_choice(self, task: str, choice: Choice, tokens: float, parts: int = 1) -> float:
        """What all services that a choice of a task may ask cost, each asked once, about so many
        tokens in so many parts."""
        shown = self.shown.get(task, NOTHING_SHOWN)
        return sum(parts * self.of_call(name, tokens / parts, shown) for name in choice.admissible)

    def of_call(self, service: str, tokens: float, shown: ShownPieces = NOTHING_SHOWN) -> float:
        """As recent calls cost; before there were any, by the tokens."""
        known = self.observed.get(service)
        if known is not None:
            return known
        return expected_usd(self.services[service], tokens, shown=shown)


def expected_usd(
    service: Service,
    tokens: float,
    ratio: float = 1.0,
    tokens_out: float | None = None,
    shown: ShownPieces = NOTHING_SHOWN,
) -> float:
    """The price of one call about ``tokens`` estimated tokens of content, in US dollars.

    ``ratio``: billed over estimated tokens; ``tokens_out``: written in an answer, as
    :class:`~orchestration_assets.text.token_estimates.OutputScale` expects unless given; ``shown``:
    what there is to show beside the content.
    """
    if not isinstance(service, HttpService):
        return service.cost_usd
    config = service.config
    sent, most = min(tokens, config.context.content_tokens), 0.0
    if isinstance(config, ChatConfig):
        sent += prompt_tokens(config) + shown_tokens(service, shown)
        most = float(config.output_tokens)
    written = OutputScale().expected(most) if tokens_out is None else tokens_out
    shared = config.price.call_usd * (1.0 - 1.0 / service.batch_size)
    return config.price.of(sent * ratio, written) - shared
