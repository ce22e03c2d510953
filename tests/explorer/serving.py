"""The explorer of a home over real HTTP on loopback, for tests."""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from orchestration_assets.command.serve import build_site
from orchestration_assets.explorer.app import build_app
from orchestration_assets.explorer.guard import LOOPBACK_NAMES
from orchestration_assets.explorer.site import ServeSettings, Site
from orchestration_assets.explorer.upkeep import Upkeep
from orchestration_assets.settings import Settings

TOKEN = "a token that nobody guesses"


@dataclass(frozen=True)
class Served:
    """A site, and the address under which it is served."""

    site: Site
    address: str

    clients: list[httpx.Client] = field(default_factory=list)

    def browser(self) -> "Visitor":
        self.clients.append(httpx.Client(base_url=self.address, timeout=60))
        return Visitor(self.clients[-1])


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser that has no JavaScript: keeps cookies, sends forms of pages."""

    client: httpx.Client

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, follow_redirects=True, **more)

    def form_token(self, path: str) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.get(path).text)
        assert found is not None, f"{path} has no form"
        return found[1]

    def post(self, path: str, form: Mapping[str, str], token: str | None = None) -> httpx.Response:
        """Sends a form with the token of the page that has it, and the mark of a question's."""
        token = self.form_token("/review/name") if token is None else token
        data = {"form_token": token, "mark": self._mark(path), **form}
        return self.client.post(path, data=data, follow_redirects=True)

    def _mark(self, path: str) -> str:
        if re.fullmatch("/review/[0-9a-f]{16}", path) is None:
            return ""
        found = re.search(r'name="mark" value="([^"]+)"', self.get(path).text)
        return found[1] if found else ""

    def named(self, who: str) -> "Visitor":
        assert self.post("/review/name", {"who": who}).status_code == 200
        return self


def site_of(home: Path, index: Path, policy: Path | None = None, **served: Any) -> Site:
    """A site whose indexes are up to date."""
    settings = ServeSettings(**{"hosts": LOOPBACK_NAMES, **served})
    site = build_site(Settings(home, policy), settings, index, b"k" * 32)
    Upkeep(site.index_files, site.rows).round()
    return site


@contextmanager
def serving_site(site: Site) -> Iterator[Served]:
    """Serves a site in a thread until the block ends."""
    config = uvicorn.Config(
        build_app(site), port=0, log_level="error", lifespan="off", ws="none", access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        served = Served(site, f"http://127.0.0.1:{port}")
        yield served
        for client in served.clients:
            client.close()
    finally:
        server.should_exit = True
        thread.join()
