"""A server whose one page nothing is done for: prints its port, and serves until it is ended."""

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

_PAGE = "x" * 20_000


async def _page(_request: Request) -> HTMLResponse:
    return HTMLResponse(_PAGE)


def main() -> None:
    """Serves on a free port of the loopback."""
    application = Starlette(routes=[Route("/", _page)])
    config = uvicorn.Config(application, access_log=False, log_level="warning", lifespan="off")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
