"""Strings that have run scripts, left elements or broken pages elsewhere, and a look for them."""

from html.parser import HTMLParser

MARK = "pwned"
ATTACKS = (
    "<script>alert('pwned')</script>",
    "</script><script>alert('pwned')</script>",
    "<img src=x onerror=alert('pwned')>",
    "<svg onload=alert('pwned')>",
    "<svg/onload=alert`pwned`>",
    "\"><script>alert('pwned')</script>",
    "'><script>alert('pwned')</script>",
    '" onmouseover="alert(\'pwned\')" x="',
    "' onfocus='alert(\"pwned\")' autofocus='",
    "` onload=alert('pwned') `",
    "javascript:alert('pwned')",
    "JaVaScRiPt:alert('pwned')",
    "java\tscript:alert('pwned')",
    "data:text/html,<script>alert('pwned')</script>",
    "vbscript:msgbox('pwned')",
    "<iframe src=javascript:alert('pwned')>",
    "<iframe srcdoc=\"<script>alert('pwned')</script>\">",
    "<object data=javascript:alert('pwned')>",
    "<embed src=javascript:alert('pwned')>",
    "<a href=javascript:alert('pwned')>x</a>",
    "<form action=javascript:alert('pwned')><button>x</form>",
    "<base href=//pwned.example/>",
    "<meta http-equiv=refresh content=0;url=javascript:alert('pwned')>",
    "<link rel=stylesheet href=//pwned.example/x.css>",
    "<style>@import '//pwned.example/x.css';</style>",
    "</style><script>alert('pwned')</script>",
    "</title><script>alert('pwned')</script>",
    "</textarea><script>alert('pwned')</script>",
    "</option></select><script>alert('pwned')</script>",
    "--><script>alert('pwned')</script><!--",
    "]]><script>alert('pwned')</script>",
    "<details open ontoggle=alert('pwned')>",
    "<video><source onerror=alert('pwned')>",
    "<math><mtext><script>alert('pwned')</script>",
    "<template><script>alert('pwned')</script></template>",
    "<x contenteditable onblur=alert('pwned')>x",
    "{{ ''.__class__.__mro__ }}{% print 'pwned' %}",
    "${alert('pwned')}{{constructor.constructor('alert(1)')()}}",
    "%3Cscript%3Ealert('pwned')%3C/script%3E",
    "\u202e<script>alert('pwned')</script>\u2066",
    "\ufeff<script\x0b>alert('pwned')</script >",
    "&lt;script&gt;alert('pwned')&lt;/script&gt;&#60;script&#62;",
    "<scr<script>ipt>alert('pwned')</scr</script>ipt>",
    "<input type=hidden name=form_token value=pwned>",
)
"""More than 40; each would show an alert, load something, or change the page."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "script" and given != {"src": "/static/explorer.js", "defer": ""}:
            self.found.append(f"script {given}")
        if tag in {"iframe", "object", "embed", "base", "style", "template", "math", "video"}:
            self.found.append(tag)
        if tag == "link" and given.get("href") != "/static/explorer.css":
            self.found.append(f"link {given}")
        if tag == "meta" and "http-equiv" in given:
            self.found.append(f"meta {given}")
        for name, value in given.items():
            address = "".join(value.split()).lower()
            if name.startswith("on") or name in {
                "style",
                "srcdoc",
                "autofocus" if tag != "input" else "",
            }:
                self.found.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action", "formaction"} and not address.startswith(
                ("/", "#", "http://127.0.0.1", "index.html")
            ):
                self.found.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action"} and address.startswith("//"):
                self.found.append(f"{tag} {name}={value}")
            if name == "value" and given.get("name") == "form_token" and MARK in value:
                self.found.append(f"token {value}")


def markup_in(page: str) -> list[str]:
    """What stands in a page that none of our templates writes."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found
