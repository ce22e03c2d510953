"""How values of signals are written for people."""

from typing import Final

from orchestration_assets.schemas.signals import LATENCIES, SHARES, Signal

_UNITS: Final = {
    **dict.fromkeys(LATENCIES, " ms"),
    Signal.OLDEST_WAITING_S: " s",
    Signal.TOKENS_PER_SECOND: " tokens/s",
}
_WHOLE: Final = 1000.0


def number(signal: Signal, value: float) -> str:
    """A value with its unit: ``0.032``, ``1,240 ms``, ``0.0120 USD``."""
    if signal is Signal.COST_USD:
        return dollars(value)
    if signal in SHARES or signal is Signal.PARALLEL_EFFICIENCY:
        return f"{value:.3f}"
    plain = f"{value:,.0f}" if value >= _WHOLE or value == round(value) else f"{value:.3g}"
    return f"{plain}{_UNITS.get(signal, '')}"


def dollars(usd: float) -> str:
    """An amount of US dollars, to a hundredth of a cent."""
    return f"{usd:,.4f} USD"
