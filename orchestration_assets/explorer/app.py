"""The application: which page answers which address, and how errors are said."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import anyio.to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from orchestration_assets.explorer import (
    browsing_pages,
    compare_pages,
    knowledge_pages,
    review_pages,
)
from orchestration_assets.explorer.guard import (
    MOST_BODY,
    BodyTooLargeError,
    RequestGuard,
    report_policy,
)
from orchestration_assets.explorer.query import QueryError
from orchestration_assets.explorer.review_pages import Redirect
from orchestration_assets.explorer.sessions import Session, clean_name, new_session
from orchestration_assets.explorer.site import NoSuchPageError, Site, Visit
from orchestration_assets.explorer.templating import render, script, style
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.signals.exposition import CONTENT_TYPE, exposition

_MOST_FIELDS: Final = 600
_THREADS: Final = 4
"""Pages that are made at once: more would only fight over the cores."""
_YEAR: Final = 365 * 86_400
_METRICS_SECONDS: Final = 10.0
_NAMED: Final = {
    "batch": lambda text: text.replace("-", "").isalnum() and text.isascii(),
    "other": lambda text: text.replace("-", "").isalnum() and text.isascii(),
    "item": browsing_pages.is_item_id,
    "question": browsing_pages.is_item_id,
}
"""Parts of a path, and whether a text may be one: nothing else comes near a page."""

Page = Callable[[Visit], str | Redirect]


def build_app(site: Site) -> ASGIApp:
    """The application that serves a site, behind its guard."""

    def page(path: str, make: Page, *, stored: bool = False) -> Route:
        async def answer(request: Request) -> Response:
            return await _answer(site, request, make, {}, stored=stored)

        return Route(path, answer, methods=["GET"])

    def form(path: str, take: Page) -> Route:
        async def answer(request: Request) -> Response:
            given = await _form(request)
            return await _answer(site, request, take, given, stored=False)

        return Route(path, answer, methods=["POST"])

    async def login(request: Request) -> Response:
        return await _login(site, request)

    async def metrics(request: Request) -> Response:
        return await _metrics(site, request)

    routes = [
        page("/", browsing_pages.home_page),
        page("/batch/{batch}", browsing_pages.batch_page),
        # the links between stored pages, as they lie beside each other in a folder
        page("/report/index.html", lambda visit: Redirect("/")),
        page("/report/services.html", lambda visit: Redirect("/services")),
        page("/report/{batch}-review.html", browsing_pages.review_sheet_page, stored=True),
        page("/report/{batch}.html", lambda visit: Redirect(f"/report/{visit.names['batch']}")),
        page("/report/{batch}", browsing_pages.report_page, stored=True),
        page("/compare/{batch}", compare_pages.choose_page),
        page("/compare/{batch}/{other}", compare_pages.compare_page),
        page("/items", browsing_pages.items_page),
        page("/item/{item}", browsing_pages.item_page),
        page("/services", knowledge_pages.services_page),
        page("/services/health", knowledge_pages.health_page),
        page("/spending", knowledge_pages.spending_page),
        page("/policies", knowledge_pages.policies_page),
        page("/review", review_pages.review_page),
        page("/review/name", review_pages.name_page),
        page("/review/lessons", review_pages.lessons_page),
        page("/review/{question}", review_pages.question_page),
        form("/review/name", _take_name),
        form("/review/undo", review_pages.undo),
        form("/review/{question}", review_pages.judge),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/login", login, methods=["GET", "POST"]),
        Route("/favicon.ico", _no_icon, methods=["GET"]),
        Route("/static/explorer.css", _style, methods=["GET"]),
        Route("/static/explorer.js", _script, methods=["GET"]),
    ]

    async def no_such_address(request: Request, error: Exception) -> Response:
        if request.method == "POST":
            return PlainTextResponse("no page has that address; begin at /\n", 404)
        return await _answer(site, request, _nothing_there, {}, stored=False)

    app = Starlette(
        routes=routes, exception_handlers={404: no_such_address, BodyTooLargeError: _too_large}
    )
    return RequestGuard(_limited(app), site.settings.hosts)


def _limited(app: ASGIApp) -> ASGIApp:
    async def limited(scope: Any, receive: Any, send: Any) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await app(scope, receive, send)

    return limited


def _take_name(visit: Visit) -> str | Redirect:
    who = clean_name(visit.form.get("who", ""))
    return Redirect("/review", who=who) if who else review_pages.name_page(visit)


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    text = body.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BodyTooLargeError("the form has more fields than any of these pages") from error
    return dict(pairs)


async def _answer(
    site: Site, request: Request, make: Page, form: Mapping[str, str], *, stored: bool
) -> Response:
    """The page, or the redirection, or the error of a request."""
    signer = site.signer
    known = signer.session(request.cookies.get(signer.cookie_name))
    session = known or new_session()
    if site.settings.token is not None and not _is_admitted(site, request, session):
        return RedirectResponse("/login", 303)
    if request.method == "POST":
        refused = _refused_form(site, session, form)
        if refused is not None:
            return refused
    names = {name: str(value) for name, value in request.path_params.items()}
    visit = Visit(site, session, dict(request.query_params), names, form, request.url.path)
    status = 200
    try:
        for name, value in names.items():
            if not _NAMED[name](value):
                raise NoSuchPageError(f"no {name} has that name")
        made = await run_in_threadpool(make, visit)
    except NoSuchPageError as error:
        status, made = 404, _message(visit, "Not here", error)
    except QueryError as error:
        status, made = 400, _message(visit, "That cannot be asked", error)
    except OrchestrationError as error:
        status, made = 500, _message(visit, "That did not work", error)
    if isinstance(made, Redirect):
        return _redirected(site, session, made)
    response = HTMLResponse(made.encode("utf-8", "replace"), status)
    if stored and status == 200:
        response.headers["content-security-policy"] = report_policy(made)
    if known is None:
        _set_cookie(site, response, session)
    return response


def _redirected(site: Site, session: Session, made: Redirect) -> Response:
    said = f"?{urlencode({'said': made.said})}" if made.said else ""
    response = RedirectResponse(made.address + said, 303)
    if made.who is not None:
        _set_cookie(site, response, session.named(made.who))
    return response


def _refused_form(site: Site, session: Session, form: Mapping[str, str]) -> Response | None:
    if site.settings.read_only:
        return PlainTextResponse("this server only shows: start it without --read-only\n", 403)
    if not site.signer.is_form_token(session, form.get("form_token", "")):
        return PlainTextResponse("the form is too old: load the page again\n", 403)
    return None


def _message(visit: Visit, title: str, error: OrchestrationError) -> str:
    return visit.page("message.html", title=title, words_=str(error))


def _is_admitted(site: Site, request: Request, session: Session) -> bool:
    if session.admitted:
        return True
    given = request.headers.get("authorization", "")
    return given.startswith("Bearer ") and _is_token(site, given.removeprefix("Bearer "))


def _is_token(site: Site, given: str) -> bool:
    return hmac.compare_digest(given.encode(), (site.settings.token or "").encode())


async def _login(site: Site, request: Request) -> Response:
    """Asks for the token, and keeps in the session that it was given."""
    known = site.signer.session(request.cookies.get(site.signer.cookie_name))
    session = known or new_session()
    wrong = False
    if site.settings.token is None:
        return RedirectResponse("/", 303)
    if request.method == "POST":
        form = await _form(request)
        if not site.signer.is_form_token(session, form.get("form_token", "")):
            return PlainTextResponse("the form is too old: load the page again\n", 403)
        if _is_token(site, form.get("token", "")):
            response: Response = RedirectResponse("/", 303)
            # another number: whoever knew the one before must not be let in by it
            _set_cookie(site, response, replace(new_session(), who=session.who, admitted=True))
            return response
        wrong = True
    shown = render("login.html", form_token=site.signer.form_token(session), wrong=wrong)
    response = HTMLResponse(shown, 403 if wrong else 200)
    if known is None:
        _set_cookie(site, response, session)
    return response


def _set_cookie(site: Site, response: Response, session: Session) -> None:
    response.set_cookie(
        site.signer.cookie_name,
        site.signer.cookie(session),
        max_age=_YEAR,
        httponly=True,
        samesite="strict",
        path="/",
    )


async def _metrics(site: Site, request: Request) -> Response:
    """The signals for Prometheus, at most some seconds old: whoever scrapes often costs little."""
    session = site.signer.session(request.cookies.get(site.signer.cookie_name)) or new_session()
    if site.settings.token is not None and not _is_admitted(site, request, session):
        words = "send the token: Authorization: Bearer TOKEN\n"
        return PlainTextResponse(words, 401, headers={"www-authenticate": "Bearer"})

    def make() -> bytes:
        return exposition(site.home, site.policy.policy, datetime.now(UTC))

    try:
        made = await run_in_threadpool(site.remember, "metrics", make, _METRICS_SECONDS)
    except OrchestrationError as error:
        return PlainTextResponse(f"{error}\n", 500)
    return Response(made, headers={"content-type": CONTENT_TYPE})


async def _no_icon(request: Request) -> Response:
    return Response(status_code=204)


async def _style(request: Request) -> Response:
    return _unchanging(request, style(), "text/css")


async def _script(request: Request) -> Response:
    return _unchanging(request, script(), "text/javascript")


def _unchanging(request: Request, body: bytes, media_type: str) -> Response:
    """What is the same as long as the server runs: browsers keep it, and ask whether it still is.

    Pages with content are kept by no browser: what is forgotten here would stay there.
    """
    tag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
    headers = {"cache-control": "no-cache", "etag": tag}
    if tag in re.findall(r'"[^"]*"', request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _nothing_there(visit: Visit) -> str:
    """Raises NoSuchPageError."""
    raise NoSuchPageError("no page has that address")


async def _too_large(request: Request, error: Exception) -> Response:
    return PlainTextResponse(
        f"the form is too large: at most {MOST_BODY} bytes and {_MOST_FIELDS} fields\n", 413
    )
