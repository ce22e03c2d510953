"""Finds tokens by the form that their issuer gives them: prefix, alphabet, length."""

import re
from collections.abc import Iterator
from typing import Final

from orchestration_assets.text.sensitive.randomness import is_random
from orchestration_assets.text.sensitive.spans import Span, find_all, lowercase, token_runs

MIN_TOKEN_CHARS: Final = 20
"""The shortest token, in characters: letters, digits, _ - . and ~."""

# certain by their form alone
_CERTAIN_FORMS: Final = (
    r"A(?:KI|SI|BI|CC)A[A-Z0-9]{16}(?![A-Za-z0-9])",  # Amazon
    r"gh[pousr]_[A-Za-z0-9]{16,255}",  # GitHub
    r"github_pat_\w{22,255}",
    r"gl(?:pat|dt|rt|ptt|cbt|imt|ft|soat|agent|oas|ffct|rtr)-[\w.-]{16,300}",  # GitLab
    r"xox[a-es-z][.-][\w.-]{10,300}|xox[abeprs]-[\w-]{10,300}|xapp-\d-[\w-]{10,300}",  # Slack
    r"AIza[\w-]{33,40}|GOCSPX-[\w-]{20,60}|ya29\.[\w-]{20,2000}",  # Google
    r"[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,250}|whsec_[\w-]{16,100}",  # Stripe
    r"sk-(?:proj|svcacct|admin|ant|or|lf)-[\w-]{16,300}",
    r"hf_[A-Za-z0-9]{30,60}|api_org_[A-Za-z0-9]{30,60}|r8_[A-Za-z0-9]{30,60}",
    r"gsk_[A-Za-z0-9]{40,80}|pplx-[A-Za-z0-9]{32,80}|xai-[A-Za-z0-9]{40,120}",
    r"npm_[A-Za-z0-9]{30,60}|pypi-[\w-]{40,400}|rubygems_[0-9a-f]{40,60}|cio[A-Za-z0-9]{32}\b",
    r"oy2[a-z0-9]{43}\b|dckr_(?:pat|oat)_[\w-]{20,60}",
    r"SG\.[\w-]{16,40}\.[\w-]{16,80}|key-[0-9a-f]{32}\b|SK[0-9a-f]{32}\b",
    r"shp(?:at|ca|pa|ss|ua)_[0-9A-Za-z]{32}|sq0[a-z]{3}-[\w-]{20,60}|EAAA[\w-]{50,80}",
    r"EAA[A-Za-z0-9]{80,400}|do[opr]_v1_[0-9a-f]{40,80}|dapi[0-9a-f]{32}(?:-\d)?\b",
    r"gl(?:c|sa)_[\w-]{20,300}|hv[sbr]\.[\w-]{20,300}",
    r"lin_(?:api|oauth)_[A-Za-z0-9]{30,80}|secret_[A-Za-z0-9]{43}\b|ntn_[A-Za-z0-9]{40,60}",
    r"pat[A-Za-z0-9]{14}\.[0-9a-f]{40,80}|AT(?:ATT|CTT|BB)[\w-]{24,300}|figd_[\w-]{30,80}",
    r"PMAK-[0-9a-f]{20,30}-[0-9a-f]{30,40}|pul-[0-9a-f]{40}\b|NRAK-[A-Z0-9]{24,40}",
    r"sntry[su]_[\w-]{30,400}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{30,100}",
    r"pscale_(?:tkn|pw|oauth)_[\w.-]{20,80}|sbp_[0-9a-f]{40}\b|sb_secret_[\w-]{16,80}",
    r"fm[12]_[\w-]{40,600}|fo1_[\w-]{40,60}|nfp_[A-Za-z0-9]{30,60}|sl\.[\w-]{60,200}",
    r"AGE-SECRET-KEY-1[0-9A-Z]{50,60}|lsv2_(?:pt|sk)_[\w-]{30,80}|pcsk_[\w-]{40,100}",
    r"sk_[0-9a-f]{40,60}\b|bkua_[0-9a-f]{40}\b|CCIPAT_[\w-]{20,100}|sq[pua]_[0-9a-f]{40}\b",
    r"AKCp[A-Za-z0-9]{60,80}|LTAI[A-Za-z0-9]{16,20}\b|sha256~[\w-]{43}|CFPAT-[\w-]{43}",
    r"EZ[AT]K[A-Za-z0-9]{54}|FLWSECK[\w-]{30,80}|AQVN[\w-]{35,40}|CLOJARS_[0-9a-f]{60}",
    r"xprv[1-9A-HJ-NP-Za-km-z]{100,112}",
    r"(?<!-)eyJ[\w-]{10,4000}\.[\w-]{10,8000}(?:\.[\w-]{0,4000}){0,3}",  # RFC 7519
    r"(?<!-)eyJ[\w-]{10,4000}\.eyJ[\w-]{2,8000}",
)
# tokens only where what follows the prefix looks random
_LIKELY_FORMS: Final = (
    r"(?:sk|pk|rk|tk|ak)-[\w-]{20,300}",
    r"(?:tvly|duffel|rdme|tfp|pnu|shippo|ico|fio|HRKU|NRII|NRRA|rnd|ops|ddp|vcp|nvapi|ghs)[_-][\w-]{16,300}",
)
_TOKEN: Final = re.compile(
    rf"(?:(?P<sure>{'|'.join(_CERTAIN_FORMS)})|(?P<likely>{'|'.join(_LIKELY_FORMS)}))", re.ASCII
)
TOKEN_PAIRS: Final = frozenset(
    (
        "AK AS AB AC gh gi gl xo xa AI GO ya sk pk rk tk ak wh hf ap r8 gs pp xa np py ru ci oy dc "
        "SG ke SK sh sq EA do dr dp da hv li se nt pa AT fi PM pu NR sn ps sb fm fo nf sl AG ls pc "
        "bk CC LT CF EZ FL AQ CL xp ey tv du rd tf pn ic HR NR rn op dd vc nv"
    ).split()
)
"""The first two characters of these forms."""
# forms without a prefix: searched only in runs that hold digits
_INNER_FORMS: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,100}"  # HashiCorp
    r"|[\w.~]{3}\dQ~[\w.~-]{31,34}"  # Microsoft's applications
    r"|[MNO][A-Za-z\d_-]{22,27}\.[\w-]{6}\.[\w-]{27,40}"  # Discord
    r"|[0-9a-f]{32}-us\d{1,2}\b|[5KL][1-9A-HJ-NP-Za-km-z]{50,51}(?!\w)"
    r"|[A-Za-z][A-Za-z0-9]{1,15}[_-](?:live|test|prod|pat|key|api|token|secret|sk)"
    r"[_-][A-Za-z0-9]{16,200})",
    re.ASCII,
)
# what tells whose token it is stands before the part that was drawn
_ISSUER_LABEL: Final = re.compile(
    r"\A[A-Za-z][A-Za-z0-9]{1,15}[_-](?:(?:live|test|prod|pat|key|api|token|secret|sk)[_-])?"
)
_MIN_INNER_CHARS: Final = 24
_DIGIT: Final = re.compile(r"\d", re.ASCII)
_STOPS: Final = re.compile(r"[.~-]+")
_BOT: Final = re.compile(r"AA[\w-]{31,36}(?![\w-])", re.ASCII)  # Telegram, after figures and :
_BOT_NUMBER: Final = re.compile(r"\d{8,10}:\Z", re.ASCII)
# Amazon's secret of 40 characters, near the name of the key it belongs to
_AMAZON_SECRET: Final = re.compile(r"(?<![\w/+=-])[A-Za-z0-9/+]{40}(?![\w/+=-])", re.ASCII)
_NEAR_CHARS: Final = 240
_PASSWORD_HASH: Final = re.compile(
    r"\$(?:2[abxy]?|5|6|1|apr1|y|7|argon2(?:id|i|d)|pbkdf2[\w-]{0,12}|scrypt)"
    r"\$[\w./+=,$-]{20,400}",
    re.ASCII,
)
_SECRET_URLS: Final = (
    (
        "hook",
        "hooks.slack.com/",
        re.compile(r"hooks\.slack\.com/((?:services|workflows|triggers)/[\w/-]{8,200})"),
    ),
    ("hook", "/api/webhooks/", re.compile(r"/api/webhooks/(\d{5,25}/[\w-]{20,100})")),
    (
        "hook",
        "webhook.office.com/",
        re.compile(r"webhook\.office\.com/(webhookb2/[\w@/-]{20,300})"),
    ),
    ("hook", "hooks.zapier.com/", re.compile(r"hooks\.zapier\.com/(hooks/catch/[\w/]{8,100})")),
    # the signature of an address is what lets everybody in who has it
    ("ignature=", "ignature=", re.compile(r"ignature=([\w%/+-]{20,600})")),
    ("sig=", "sig=", re.compile(r"sig=([\w%/+-]{20,200})")),
    ("1//0", "1//0", re.compile(r"(1//0[\w-]{30,200})")),
)


def issued_tokens(text: str) -> Iterator[Span]:
    """Tokens of a known form, password hashes, and URLs that are secrets themselves."""
    for start, end in token_runs(text, MIN_TOKEN_CHARS):
        yield from tokens_in(text, start, end)
    # every one of them holds a slash or an equals sign
    is_url_there = "/" in text or "=" in text
    for needed, literal, pattern in _SECRET_URLS if is_url_there else ():
        if needed not in text:
            continue
        for place in find_all(text, literal):
            if (found := pattern.match(text, place)) and not is_filler(found[1]):
                yield found.span(1)
    for place in find_all(text, "$"):
        if found := _PASSWORD_HASH.match(text, place):
            yield found.span()


def tokens_in(text: str, start: int, end: int) -> Iterator[Span]:
    """The tokens within one run of letters, digits, _ - . and ~."""
    place = start
    while end - place >= MIN_TOKEN_CHARS:
        if token := _token(text, place, end):
            yield token.span()
            yield from _amazon_secrets(text, token)
        stop = _STOPS.search(text, place, end)
        place = stop.end() if stop else end
    if end - start >= _MIN_INNER_CHARS and _DIGIT.search(text, start, end):
        for found in _INNER_FORMS.finditer(text, start, end):
            if is_random(_ISSUER_LABEL.sub("", found.group())) and not is_filler(found.group()):
                yield found.span()
    if text.startswith("AA", start) and text[start - 1 : start] == ":":
        number = _BOT_NUMBER.search(text, max(0, start - 11), start)
        if number and (secret := _BOT.match(text, start)):
            yield number.start(), secret.end()


def is_token_at(text: str, place: int) -> bool:
    """Whether a token of known form begins at ``place``, after dashes if there are any."""
    while text.startswith("-", place):
        place += 1
    return _token(text, place, len(text)) is not None


def _token(text: str, place: int, end: int) -> re.Match[str] | None:
    if text[place : place + 2] not in TOKEN_PAIRS:
        return None
    found = _TOKEN.match(text, place, end)
    if found is None or is_filler(found.group()):
        return None
    return found if found["sure"] or is_random(_ISSUER_LABEL.sub("", found.group())) else None


def _amazon_secrets(text: str, token: re.Match[str]) -> Iterator[Span]:
    """The Amazon secret key near an access key."""
    if not token.group().startswith(("AKIA", "ASIA")):
        return
    near = max(0, token.start() - _NEAR_CHARS)
    for secret in _AMAZON_SECRET.finditer(text, near, token.end() + _NEAR_CHARS):
        if is_random(secret.group()):
            yield secret.span()


def is_filler(token: str) -> bool:
    """Whether a token ends in one repeated character, as examples do: ``ghp_xxxx``."""
    return len(set(lowercase(token[-12:]))) == 1
