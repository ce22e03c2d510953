"""Who is let in, and which requests no page ever sees."""

import re
from pathlib import Path

import httpx
import pytest

from orchestration_assets.command.serve import ServeError, serve_settings
from orchestration_assets.explorer.guard import HEADERS, MOST_BODY, MOST_QUERY, is_loopback
from orchestration_assets.explorer.sessions import Session, Signer, kept_key, new_session
from tests.conftest import Finished
from tests.explorer.serving import TOKEN, Served, serving_site, site_of

PAGES = ("/", "/items", "/services/health", "/spending", "/policies", "/review", "/review/lessons")


@pytest.mark.parametrize("path", [*PAGES, "/static/explorer.js", "/nothing/here", "/item/zz"])
def test_every_answer_carries_the_headers(shown: Served, path: str) -> None:
    answer = httpx.get(shown.address + path)
    for name, value in HEADERS.items():
        if not path.startswith("/static") or name != "cache-control":
            assert answer.headers[name] == value


@pytest.mark.parametrize("path", ["/static/explorer.css", "/static/explorer.js"])
def test_what_never_changes_is_sent_once(shown: Served, path: str) -> None:
    first = httpx.get(shown.address + path)
    tag = first.headers["etag"]
    for given in (tag, f'"other", W/{tag}'):
        again = httpx.get(shown.address + path, headers={"if-none-match": given})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["content-security-policy"] == HEADERS["content-security-policy"]
    other = httpx.get(shown.address + path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "[::1",
        "",
        "evil.example:80",
    ],
)
def test_a_name_that_is_not_ours_is_refused(shown: Served, host: str) -> None:
    assert httpx.get(shown.address + "/", headers={"host": host}).status_code in (400, 421)


def test_names_of_this_machine_are_taken(shown: Served) -> None:
    for host in ("localhost", "localhost:8400", "127.0.0.1", "[::1]:8400"):
        assert httpx.get(shown.address + "/", headers={"host": host}).status_code == 200


def test_forms_need_the_token_of_their_session(shown: Served) -> None:
    ada, bob = shown.browser(), shown.browser()
    foreign = bob.form_token("/review/name")
    ada.get("/review")
    for token in ("", "x" * 64, foreign):
        assert ada.post("/review/name", {"who": "Ada"}, token).status_code == 403
    assert "Who judges?" in ada.get("/review").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "application/json"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
    ],
)
def test_forms_of_other_sites_are_refused(
    shown: Served, headers: dict[str, str], status: int
) -> None:
    ada = shown.browser()
    form = {"form_token": ada.form_token("/review/name"), "who": "Ada"}
    answer = ada.client.post("/review/name", data=form, headers=headers)
    assert answer.status_code == status


def test_sizes_and_methods_are_bounded(shown: Served) -> None:
    ada = shown.browser()
    token = ada.form_token("/review/name")
    large = {"form_token": token, "who": "x" * MOST_BODY}
    assert ada.client.post("/review/name", data=large).status_code == 413

    def drop_by_drop() -> "list[bytes]":
        return [b"form_token=", token.encode(), b"&who=", *[b"x" * 8192] * 20]

    kind = {"content-type": "application/x-www-form-urlencoded"}
    streamed = ada.client.post("/review/name", content=iter(drop_by_drop()), headers=kind)
    assert streamed.status_code == 413
    many = ada.client.post("/review/name", data={f"f{number}": "" for number in range(700)})
    assert many.status_code == 413
    assert ada.get(f"/items?q={'a' * (MOST_QUERY + 1)}").status_code == 414
    assert ada.get(f"/items?q={'a' * 300}").status_code == 400
    assert ada.get(f"/batch/{'a' * 600}").status_code == 414
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        assert ada.client.request(method, "/").status_code == 405
    assert ada.client.post("/", data={"form_token": token}).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/batch/..%2f..%2fetc%2fpasswd",
        "/report/..%2f..%2fpolicies",
        "/report/%2e%2e%2findex",
        "/item/..%2f..%2f..%2fetc",
        "/item/ABCDEF0123456789",
        "/item/0x12345678901234",
        "/review/..%2fname",
        "/static/..%2fapp.py",
        "/static/explorer.css/../../app.py",
        "/batch/%00",
        "/item/%EF%BC%91234567890abcdef",
    ],
)
def test_no_path_comes_from_a_request(shown: Served, path: str) -> None:
    answer = httpx.get(shown.address + path, follow_redirects=True)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_no_link_of_a_stored_page_leads_nowhere(shown: Served, finished: Finished) -> None:
    ada = shown.browser()
    for place in (f"/report/{finished.batch}", f"/report/{finished.batch}-review.html"):
        page = ada.get(place)
        assert page.status_code == 200
        assert "sandbox" in page.headers["content-security-policy"]
        links = re.findall(r'href="([^"#:]+)["#]', page.text)
        assert links
        for link in links:
            assert ada.get(f"/report/{link}").status_code == 200, link


def test_without_the_token_nothing_is_shown(finished: Finished, tmp_path: Path) -> None:
    with serving_site(site_of(finished.home, tmp_path, token=TOKEN)) as served:
        visitor = served.browser()
        for path in (*PAGES, f"/batch/{finished.batch}", f"/report/{finished.batch}"):
            answer = visitor.client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        wrong = visitor.post("/login", {"token": "a guess"}, visitor.form_token("/login"))
        assert wrong.status_code == 403
        assert visitor.client.get("/").status_code == 303
        name = served.site.signer.cookie_name
        stolen = visitor.client.cookies[name]
        right = visitor.post("/login", {"token": TOKEN}, visitor.form_token("/login"))
        assert "Explorer" in right.text
        # the session that was known before the token was given lets nobody in
        cookies = {name: stolen}
        assert httpx.get(served.address + "/", cookies=cookies).status_code == 303
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(served.address + "/", headers=bearer).status_code == 200
        bearer = {"authorization": "Bearer x"}
        assert httpx.get(served.address + "/", headers=bearer).status_code == 303


def test_another_token_sends_everybody_out(finished: Finished, tmp_path: Path) -> None:
    with serving_site(site_of(finished.home, tmp_path, token=TOKEN)) as served:
        visitor = served.browser()
        visitor.post("/login", {"token": TOKEN}, visitor.form_token("/login"))
        name = served.site.signer.cookie_name
        cookies = {name: visitor.client.cookies[name]}
        assert httpx.get(served.address + "/", cookies=cookies).status_code == 200
    with serving_site(site_of(finished.home, tmp_path, token="one that was made anew")) as served:
        assert served.site.signer.cookie_name == name
        assert httpx.get(served.address + "/", cookies=cookies).status_code == 303


def test_two_homes_of_one_machine_leave_each_other_their_cookies() -> None:
    assert Signer(b"x" * 32).cookie_name != Signer(b"y" * 32).cookie_name


def test_cookies_are_ours_or_nobodys(tmp_path: Path) -> None:
    ours, theirs = Signer(kept_key(tmp_path)), Signer(b"y" * 32)
    session = Session("n", "Ada", admitted=True)
    cookie = ours.cookie(session)
    assert ours.session(cookie) == session
    assert Signer(kept_key(tmp_path)).session(cookie) == session
    payload, _, signature = cookie.partition(".")
    changed = ("A" if payload[5] != "A" else "B").join((payload[:5], payload[6:]))
    wrong = (theirs.cookie(session), f"{changed}.{signature}", payload, "", ".", "a.b", cookie * 40)
    assert [ours.session(one) for one in wrong] == [None] * len(wrong)
    assert ours.session(None) is None
    assert ours.session("é.é") is None
    assert not ours.is_form_token(new_session(), ours.form_token(session))
    assert (tmp_path / "session.key").stat().st_mode & 0o077 == 0


def test_the_cookie_is_kept_from_scripts_and_other_sites(shown: Served) -> None:
    cookie = httpx.get(shown.address + "/").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize(
    ("host", "environment", "words"),
    [
        ("0.0.0.0", {}, "other machines could reach it"),
        ("192.168.1.2", {}, "other machines could reach it"),
        ("::", {}, "other machines could reach it"),
        ("example.org", {}, "other machines could reach it"),
        ("127.0.0.1", {"ORCHESTRATION_SERVE_TOKEN": "short"}, "fewer than 16"),
        ("0.0.0.0", {"ORCHESTRATION_SERVE_TOKEN": TOKEN}, "--allow-host"),
        ("127.0.0.1", {"ORCHESTRATION_DAGSTER_URL": "javascript:alert(1)"}, "give an address"),
        ("127.0.0.1", {"ORCHESTRATION_DAGSTER_URL": 'http://x/"onload='}, "give an address"),
    ],
)
def test_what_would_let_anybody_in_is_refused(
    host: str, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(ServeError, match=words) as raised:
        serve_settings(
            host, [], "ORCHESTRATION_SERVE_TOKEN", read_only=False, environment=environment
        )
    assert TOKEN not in str(raised.value)


def test_other_machines_need_a_token_and_a_name() -> None:
    found = serve_settings(
        "0.0.0.0",
        ["Review.Example"],
        "TOKEN_OF_MINE",
        read_only=True,
        environment={"TOKEN_OF_MINE": TOKEN},
    )
    assert found.hosts == {"review.example"}
    assert found.token == TOKEN
    assert is_loopback("127.9.9.9")
    assert is_loopback("[::1]")
    assert not is_loopback("localhost.example")
