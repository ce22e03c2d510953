"""Loading what services answer from while the rest of a run begins."""

from collections.abc import Iterable
from contextlib import suppress
from threading import Thread

from orchestration_assets.schemas.services import EmbeddedConfig, HttpConfig, ServiceConfig
from orchestration_assets.services.registry import embedded_class


def prepare_services(services: Iterable[ServiceConfig]) -> Thread:
    """The thread in which embedded services load their models, which it has begun to do.

    Unpacking a model leaves the interpreter free: with a second core it takes no time.
    """
    thread = Thread(target=load_models, args=(services,), name="preparation", daemon=True)
    thread.start()
    return thread


def load_for_batches(services: Iterable[ServiceConfig]) -> None:
    """Loads the libraries of a whole batch, from its first step to its page.

    Copies of this process have them then: each would load them for itself, half a second and more,
    and the reports over all batches once more at the end, where nothing else is left to do.
    """
    import orchestration_assets.definitions
    import orchestration_assets.reporting.plots
    import orchestration_assets.reporting.publication  # noqa: F401

    if any(isinstance(one, HttpConfig) for one in services):
        import aiohttp  # noqa: F401
        import httpx  # noqa: F401


def load_models(services: Iterable[ServiceConfig]) -> None:
    """Has embedded services load what they answer from."""
    for name in sorted({one.implementation for one in services if isinstance(one, EmbeddedConfig)}):
        # whoever asks the service loads the same, and is told
        with suppress(Exception):
            embedded_class(name).prepare()
