"""Loading what services answer from while the rest of a run begins."""

from collections.abc import Iterable
from contextlib import suppress
from threading import Thread

from orchestration_assets.schemas.services import EmbeddedConfig, ServiceConfig
from orchestration_assets.services.registry import embedded_class


def prepare_services(services: Iterable[ServiceConfig]) -> Thread:
    """The thread in which embedded services load their models, which it has begun to do.

    Unpacking a model leaves the interpreter free: with a second core it takes no time.
    """
    names = {one.implementation for one in services if isinstance(one, EmbeddedConfig)}
    thread = Thread(target=_prepare, args=(sorted(names),), name="preparation", daemon=True)
    thread.start()
    return thread


def _prepare(names: Iterable[str]) -> None:
    for name in names:
        # whoever asks the service loads the same, and is told
        with suppress(Exception):
            embedded_class(name).prepare()
