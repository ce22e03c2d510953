"""Which links of an index page lead to what lies in its folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote_to_bytes, urljoin, urlsplit

# how the index pages of web servers are headed
_INDEX: Final = re.compile(r"\s*(?:index of|directory listing|directory:|contents of)\b", re.I)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Link:
    """Something below a page's folder: its path from there, unquoted, and whether the link asks
    with a query. A folder's path ends with a slash."""

    path: str
    query: bool = False


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The links of a page to what lies below it, and whether it is headed like an index."""

    links: tuple[Link, ...]
    headed: bool


def read_index(page: bytes, url: str) -> IndexPage:
    """What an HTML page at ``url`` links to below its own folder.

    Links elsewhere, back to the page, with dot segments that lead nowhere in it, and with empty
    segments are no content of the folder. Never raises, whatever the page.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page)
    base = tree.css_first("base[href]")
    start = _joined(url, (base.attributes.get("href") if base else None) or "") or url
    links: dict[str, Link] = {}
    for node in tree.css("a[href]"):
        target = _joined(start, node.attributes.get("href") or "")
        link = below(url, target) if target else None
        if link is not None:
            links.setdefault(f"{link.path}?{link.query}", link)
    heads = (node.text() for node in (tree.css_first("title"), tree.css_first("h1")) if node)
    return IndexPage(tuple(links.values()), any(_INDEX.match(head) for head in heads))


def below(folder: str, target: str) -> Link | None:
    """The link to ``target`` as seen from the folder of a page; None when it lies elsewhere."""
    try:
        page, linked = urlsplit(folder), urlsplit(target)
    except ValueError:
        return None
    if not same_site(page, linked):
        return None
    prefix = _plain(page.path.rpartition("/")[0] + "/")
    path = _plain(linked.path or "/")
    inside = path.removeprefix(prefix)
    if not path.startswith(prefix) or not inside:
        return None
    segments = inside.removesuffix("/").split("/")
    if any(segment in ("", ".", "..") for segment in segments) or "\0" in inside:
        return None
    return Link(inside, bool(linked.query))


def same_site(first: SplitResult, second: SplitResult) -> bool:
    """Whether two URLs are of one host and port, or the same host over http and then https."""
    try:
        ports = [part.port or _PORTS.get(part.scheme, 0) for part in (first, second)]
    except ValueError:
        return False
    if first.hostname != second.hostname or not first.hostname:
        return False
    upgraded = (first.scheme, second.scheme) == ("http", "https") and ports == [80, 443]
    return upgraded or (first.scheme == second.scheme in _PORTS and ports[0] == ports[1])


def folders_above(path: str) -> Iterator[str]:
    """Each folder on the way to a path, from the outermost, each with its slash."""
    at = path.find("/")
    while 0 <= at < len(path) - 1:
        yield path[: at + 1]
        at = path.find("/", at + 1)


def _joined(base: str, href: str) -> str | None:
    try:
        joined = urljoin(base, href.strip())
        _ = urlsplit(joined).port
    except ValueError:
        return None
    return joined


def _plain(path: str) -> str:
    return unquote_to_bytes(path).decode("utf-8", "surrogateescape")
