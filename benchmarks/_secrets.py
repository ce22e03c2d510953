"""Invented secrets and personal data of many kinds, in what carries them: nothing here is real.

The two splits share no name, no template and no length: ``tuning`` is what patterns may be fitted
to, ``held_out`` tells what they find of what they were not fitted to.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Split = Literal["tuning", "held_out"]
Carrier = Literal["code", "env", "yaml", "json", "logs", "prose"]
CARRIERS: Final[tuple[Carrier, ...]] = ("code", "env", "yaml", "json", "logs", "prose")

_ALNUM: Final = string.ascii_letters + string.digits
_LOWER: Final = string.ascii_lowercase + string.digits
_HEX: Final = "0123456789abcdef"
_BASE64: Final = _ALNUM + "+/"
_URLSAFE: Final = _ALNUM + "-_"
_UPPER: Final = string.ascii_uppercase + string.digits


Make = Callable[[random.Random, bool], str]
"""A value, of the tuning or of the held-out split."""


class SecretSample(NamedTuple):
    """A text, and what of it must not leave: each of ``hidden`` as it stands in the text."""

    kind: str
    carrier: Carrier
    text: str
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecretKind:
    """``names`` are given to the value, of the tuning and of the held-out split; without any, the
    value must be known by its form. ``alone`` says that it stands in the text as it is made."""

    name: str
    make: Make
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    hidden: Callable[[str], tuple[str, ...]] = lambda value: (value,)
    alone: bool = False


def _drawn(rng: random.Random, alphabet: str, size: int) -> str:
    return "".join(rng.choices(alphabet, k=size))


def _of(alphabet: str, tuning: int, held: int, before: str = "", after: str = "") -> Make:
    """Values of one alphabet, of another length in each split."""

    def make(rng: random.Random, held_out: bool) -> str:
        return before + "".join(rng.choices(alphabet, k=held if held_out else tuning)) + after

    return make


def _password(least: int, most: int, signs: str) -> Make:
    """Letters, at least a figure, and signs where there are any."""

    def make(rng: random.Random, held_out: bool) -> str:
        size = rng.randint(least, most) + (2 if held_out else 0)
        found = [
            rng.choice(string.digits),
            *rng.choices(string.ascii_letters + string.digits, k=size - 2),
        ]
        found.append(rng.choice(signs or string.digits))
        rng.shuffle(found)
        # a leading sign would need quotes in most of what carries it
        found.sort(key=lambda one: not one.isalpha()) if not found[0].isalnum() else None
        return "".join(found)

    return make


_PARTS: Final = (
    "river",
    "copper",
    "lantern",
    "violet",
    "harvest",
    "pillow",
    "anchor",
    "meadow",
    "ginger",
)
_OTHER_PARTS: Final = (
    "saddle",
    "thunder",
    "walnut",
    "ribbon",
    "glacier",
    "mustard",
    "compass",
    "orchid",
)


def _words(count: int, joint: str) -> Make:
    def make(rng: random.Random, held_out: bool) -> str:
        return joint.join(rng.choices(_OTHER_PARTS if held_out else _PARTS, k=count))

    return make


def _word_and_figures(rng: random.Random, held_out: bool) -> str:
    word = rng.choice(_OTHER_PARTS if held_out else _PARTS).capitalize()
    return f"{word}{rng.randint(10, 9999)}{rng.choice('!?#*') if held_out else rng.choice('!$@')}"


def _encoded(size: int, more: int) -> Make:
    return lambda rng, held: base64.b64encode(rng.randbytes(size + more * held)).decode()


def _uuid(rng: random.Random, _: bool) -> str:
    whole = "".join(rng.choices(_HEX, k=32))
    return "-".join((whole[:8], whole[8:12], whole[12:16], whole[16:20], whole[20:]))


def _groups(rng: random.Random, held_out: bool) -> str:
    return "-".join("".join(rng.choices(_UPPER, k=5)) for _ in range(4 + held_out))


def _jwt(rng: random.Random, held_out: bool) -> str:
    def part(value: Mapping[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = {"alg": "RS256" if held_out else "HS256", "typ": "JWT"}
    claims = {"sub": str(rng.randint(1000, 9_999_999)), "iat": rng.randint(10**9, 2 * 10**9)}
    return f"{part(head)}.{part(claims)}.{''.join(rng.choices(_URLSAFE, k=86 if held_out else 43))}"


def _block(label: str, headers: str = "", *, cut: bool = False, width: int = 64) -> Make:
    def make(rng: random.Random, held_out: bool) -> str:
        size = rng.randint(300, 900) + 700 * held_out
        body = base64.b64encode(rng.randbytes(size)).decode()
        lines = [body[at : at + width] for at in range(0, len(body), width)]
        whole = [f"-----BEGIN {label}-----", *(headers.split("\n") if headers else ()), *lines]
        if cut:
            return "\n".join(whole[: 4 + rng.randint(0, 6)])
        return "\n".join([*whole, f"-----END {label}-----"])

    return make


def _body(value: str) -> tuple[str, ...]:
    """The lines of a block that hold the key."""
    return tuple(
        line for line in value.split("\n") if ":" not in line and "-----" not in line and line
    )


def _putty(rng: random.Random, held_out: bool) -> str:
    lines = "\n".join("".join(rng.choices(_BASE64, k=64)) for _ in range(6 + held_out))
    version = 3 if held_out else 2
    return (
        f"PuTTY-User-Key-File-{version}: ssh-rsa\nEncryption: none\nComment: a key\n"
        f"Private-Lines: {6 + held_out}\n{lines}"
    )


_USERS: Final = ("kettle", "teapot", "ann.lee"), ("harbour", "pier_7", "bo-olsen")
_HOSTS: Final = ("db.example.org", "cache.example.net"), ("pg-7.corp.example", "10.11.12.13")


def _url(schemes: tuple[str, str]) -> Make:
    secret = _password(8, 14, "!$*-_.")

    def make(rng: random.Random, held_out: bool) -> str:
        user, host = rng.choice(_USERS[held_out]), rng.choice(_HOSTS[held_out])
        given = f"{user}:{secret(rng, held_out)}"
        return f"{schemes[held_out]}://{given}@{host}:{rng.randint(1000, 9999)}/main"

    return make


def _userinfo(value: str) -> tuple[str, ...]:
    return (value.split("://")[1].split("@", maxsplit=1)[0].split(":", 1)[1],)


def _header(scheme: tuple[str, str], value: Make) -> Make:
    return lambda rng, held: f"{scheme[held]} {value(rng, held)}"


def _last(value: str) -> tuple[str, ...]:
    return (value.rsplit(" ", maxsplit=1)[-1],)


def _user_and_password(rng: random.Random, held_out: bool) -> str:
    pair = f"{rng.choice(_USERS[held_out])}:{_password(8, 12, '!')(rng, held_out)}"
    return base64.b64encode(pair.encode()).decode()


def _storage(rng: random.Random, held_out: bool) -> str:
    name = "AccountKey" if not held_out else "SharedAccessKey"
    key = base64.b64encode(rng.randbytes(64 if not held_out else 32)).decode()
    return f"Protocol=https;AccountName=kettle;{name}={key};EndpointSuffix=core.example"


def _storage_key(value: str) -> tuple[str, ...]:
    return (value.split("Key=")[1].split(";", maxsplit=1)[0],)


def _signed_address(rng: random.Random, held_out: bool) -> str:
    name = "X-Amz-Signature" if held_out else "sig"
    sign = "".join(rng.choices(_HEX if held_out else _ALNUM, k=64 if held_out else 43))
    return f"https://files.example.org/a/b.zip?se=2026-01-01&{name}={sign}"


def _check(digits: str) -> str:
    """The digits and the one that makes Luhn's sum right."""
    total = sum(
        sum(divmod(int(one) * (2 if place % 2 == 0 else 1), 10))
        for place, one in enumerate(reversed(digits))
    )
    return digits + str(-total % 10)


def _card(first: Sequence[str], size: int) -> Make:
    def make(rng: random.Random, held_out: bool) -> str:
        start = rng.choice(list(first))
        number = _check(start + "".join(rng.choices(string.digits, k=size - 1 - len(start))))
        sign = " " if not held_out else rng.choice(["", "-"])
        cuts = (4, 10, size) if size == 15 else (4, 8, 12, size)
        return sign.join(number[at:to] for at, to in zip((0, *cuts), cuts, strict=False))

    return make


def _iban(rng: random.Random, held_out: bool) -> str:
    country, shape = rng.choice(
        [("DE", 18), ("FR", 23), ("ES", 20)]
        if not held_out
        else [("AT", 16), ("PL", 24), ("BE", 12)]
    )
    account = "".join(rng.choices(string.digits, k=shape))
    numbers = "".join(str(int(one, 36)) for one in f"{account}{country}00")
    whole = f"{country}{98 - int(numbers) % 97:02d}{account}"
    return whole if held_out else " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _pattern(tuning: Sequence[str], held: Sequence[str]) -> Make:
    """``#`` becomes a figure, ``N`` one from 2 to 9, ``x`` a hexadecimal one."""

    def make(rng: random.Random, held_out: bool) -> str:
        drawn = {"#": string.digits, "N": "23456789", "x": _HEX, "P": "123456789"}
        shape = rng.choice(list(held if held_out else tuning))
        return "".join(rng.choice(drawn[one]) if one in drawn else one for one in shape)

    return make


def _address(rng: random.Random, held_out: bool) -> str:
    last = (
        ["198.51.100", "203.0.113", "10.20.30"]
        if not held_out
        else ["192.168.44", "172.20.1", "91.198.174"]
    )
    return f"{rng.choice(last)}.{rng.randint(2, 254)}"


def _mail(rng: random.Random, held_out: bool) -> str:
    name = rng.choice(_OTHER_PARTS if held_out else _PARTS)
    host = rng.choice(
        ["mail.example.co.uk", "post.example.de"] if held_out else ["example.org", "example.com"]
    )
    return f"{name}{'+list' if held_out else ''}{rng.randint(1, 99)}@{host}"


def _digits(value: str) -> tuple[str, ...]:
    return (value,)


_N = tuple[tuple[str, ...], tuple[str, ...]]
_PASSWORD: Final[_N] = (
    ("password", "db_password", "admin_passwd"),
    ("smtp_pwd", "root_password", "login_passwd"),
)
_API: Final[_N] = (("api_key", "service_api_key"), ("weather_apikey", "maps_api_key"))
_TOKEN: Final[_N] = (("access_token", "auth_token"), ("refresh_token", "deploy_token"))
_SECRET: Final[_N] = (("client_secret", "app_secret"), ("webhook_secret", "oauth_client_secret"))

KINDS: Final[tuple[SecretKind, ...]] = (
    # known by their names
    SecretKind(
        "password of letters, figures and a sign", _password(9, 16, "!$%*+=?@^_~.-"), _PASSWORD
    ),
    SecretKind("password of letters and figures", _password(10, 16, ""), _PASSWORD),
    SecretKind("password, short", _password(6, 7, "!"), _PASSWORD),
    SecretKind("password of a word and figures", _word_and_figures, _PASSWORD),
    SecretKind("passphrase", _words(4, "-"), (("passphrase",), ("key_passphrase",))),
    SecretKind("seed phrase", _words(12, " "), (("mnemonic",), ("seed_phrase",))),
    SecretKind("API key, hexadecimal", _of(_HEX, 32, 40), _API),
    SecretKind("API key, letters and figures", _of(_ALNUM, 32, 24), _API),
    SecretKind("API key, capitals", _of(_UPPER, 20, 26), _API),
    SecretKind("API key, small letters", _of(_LOWER, 25, 36), _API),
    SecretKind("client secret", _of(_URLSAFE[:-2] + "_", 40, 28), _SECRET),
    SecretKind("signing secret, base64", _encoded(32, 16), (("signing_secret",), ("hmac_secret",))),
    SecretKind(
        "encryption key, base64",
        _encoded(32, -8),
        (("encryption_key",), ("fernet_key", "master_key")),
    ),
    SecretKind(
        "AWS secret access key",
        _of(_BASE64[:-1], 40, 40),
        (("aws_secret_access_key",), ("AwsSecretAccessKey", "secret_access_key")),
    ),
    SecretKind(
        "private key, hexadecimal",
        _of(_HEX, 64, 64, "0x"),
        (("private_key",), ("wallet_private_key",)),
    ),
    SecretKind("opaque token", _of(_ALNUM, 40, 22), _TOKEN),
    SecretKind("token of a universal id", _uuid, _TOKEN),
    SecretKind("token of figures", _of(string.digits, 20, 24), _TOKEN),
    SecretKind(
        "session id",
        _of(_LOWER, 26, 32),
        (("session_id", "sessionid"), ("PHPSESSID", "JSESSIONID")),
    ),
    SecretKind("licence key", _groups, (("license_key",), ("licence_key",))),
    # known by their form
    SecretKind("AWS access key id", _of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, 16, "AKIA")),
    SecretKind("GitHub token", lambda r, h: ("ghs_" if h else "ghp_") + _drawn(r, _ALNUM, 36)),
    SecretKind(
        "GitHub fine-grained token",
        lambda r, h: f"github_pat_{_drawn(r, _ALNUM, 22)}_{_drawn(r, _ALNUM, 59)}",
    ),
    SecretKind(
        "GitLab token",
        lambda r, h: ("glrt-" if h else "glpat-") + _drawn(r, _URLSAFE, 20),
    ),
    SecretKind(
        "Slack token",
        lambda r, h: (
            f"{'xoxp' if h else 'xoxb'}-{r.randint(10**10, 10**12)}-"
            f"{r.randint(10**10, 10**12)}-{_drawn(r, _ALNUM, 24)}"
        ),
    ),
    SecretKind(
        "Slack webhook",
        lambda r, h: (
            f"https://hooks.slack.com/{'workflows' if h else 'services'}"
            f"/T{_drawn(r, _UPPER, 9)}/B{_drawn(r, _UPPER, 10)}/{_drawn(r, _ALNUM, 24)}"
        ),
        hidden=lambda v: (v.split("/")[-1],),
    ),
    SecretKind(
        "Discord webhook",
        lambda r, h: (
            f"https://discord.com/api/webhooks/{r.randint(10**17, 10**18)}/"
            f"{_drawn(r, _URLSAFE, 68)}"
        ),
        hidden=lambda v: (v.split("/")[-1],),
    ),
    SecretKind(
        "Discord token",
        lambda r, h: (
            f"{'N' if h else 'M'}{_drawn(r, _ALNUM, 23 + h)}.{_drawn(r, _URLSAFE, 6)}."
            f"{_drawn(r, _URLSAFE, 38 if h else 27)}"
        ),
    ),
    SecretKind("Google API key", _of(_URLSAFE, 35, 35, "AIza")),
    SecretKind("Google client secret", _of(_URLSAFE, 28, 28, "GOCSPX-")),
    SecretKind(
        "Stripe key",
        lambda r, h: ("rk_live_" if h else "sk_live_") + _drawn(r, _ALNUM, 40 if h else 24),
    ),
    SecretKind(
        "OpenAI key",
        lambda r, h: ("sk-proj-" if h else "sk-") + _drawn(r, _ALNUM, 64 if h else 48),
    ),
    SecretKind("Anthropic key", _of(_URLSAFE, 93, 80, "sk-ant-api03-")),
    SecretKind("Hugging Face token", _of(string.ascii_letters, 34, 37, "hf_")),
    SecretKind("Groq key", _of(_ALNUM, 52, 50, "gsk_")),
    SecretKind("npm token", _of(_ALNUM, 36, 36, "npm_")),
    SecretKind("PyPI token", _of(_URLSAFE, 100, 160, "pypi-AgEIcHlwaS5vcmc")),
    SecretKind(
        "Docker token",
        lambda r, h: ("dckr_oat_" if h else "dckr_pat_") + _drawn(r, _URLSAFE, 32 if h else 27),
    ),
    SecretKind(
        "SendGrid key",
        lambda r, h: f"SG.{_drawn(r, _URLSAFE, 22)}.{_drawn(r, _URLSAFE, 43)}",
    ),
    SecretKind("Twilio key", _of(_HEX, 32, 32, "SK")),
    SecretKind("Mailgun key", _of(_HEX, 32, 32, "key-")),
    SecretKind(
        "Telegram bot token",
        lambda r, h: (
            f"{r.randint(10**8, 10**10 - 1)}:AA{''.join(r.choices(_URLSAFE[:-2] + '_', k=33))}"
        ),
    ),
    SecretKind("Shopify token", lambda r, h: ("shpss_" if h else "shpat_") + _drawn(r, _HEX, 32)),
    SecretKind(
        "DigitalOcean token",
        lambda r, h: ("doo_v1_" if h else "dop_v1_") + _drawn(r, _HEX, 64),
    ),
    SecretKind("Databricks token", _of(_HEX, 32, 32, "dapi")),
    SecretKind("Vault token", _of(_URLSAFE, 90, 24, "hvs.")),
    SecretKind(
        "Terraform token",
        lambda r, h: f"{_drawn(r, _ALNUM, 14)}.atlasv1.{_drawn(r, _URLSAFE, 67 if h else 60)}",
    ),
    SecretKind("Linear key", _of(_ALNUM, 40, 40, "lin_api_")),
    SecretKind(
        "Postman key",
        lambda r, h: f"PMAK-{_drawn(r, _HEX, 24)}-{_drawn(r, _HEX, 34)}",
    ),
    SecretKind("New Relic key", _of(_UPPER, 27, 27, "NRAK-")),
    SecretKind(
        "key of an issuer not listed",
        lambda r, h: ("brewly_live_" if h else "teaco_sk_") + _drawn(r, _ALNUM, 32 if h else 24),
    ),
    SecretKind("web token (JWT)", _jwt),
    SecretKind(
        "password hash",
        lambda r, h: ("$6$" if h else "$2b$12$") + _drawn(r, _ALNUM + "./", 86 if h else 53),
    ),
    SecretKind(
        "bearer header",
        _header(("Authorization: Bearer", "authorization: bearer"), _of(_ALNUM, 24, 40)),
        hidden=_last,
        alone=True,
    ),
    SecretKind(
        "basic header",
        _header(("Authorization: Basic", "Proxy-Authorization: Basic"), _user_and_password),
        hidden=_last,
        alone=True,
    ),
    SecretKind("database address", _url(("postgres", "mongodb+srv")), hidden=_userinfo),
    SecretKind("web address with a password", _url(("https", "amqp")), hidden=_userinfo),
    SecretKind("storage connection string", _storage, hidden=_storage_key),
    SecretKind("signed address", _signed_address, hidden=lambda v: (v.split("=")[-1],)),
    SecretKind(
        "private key, PEM",
        lambda r, h: _block("PRIVATE KEY" if h else "RSA PRIVATE KEY")(r, h),
        hidden=_body,
        alone=True,
    ),
    SecretKind(
        "private key, PEM, encrypted",
        lambda r, h: (
            _block("ENCRYPTED PRIVATE KEY")
            if h
            else _block(
                "RSA PRIVATE KEY",
                "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n",
            )
        )(r, h),
        hidden=_body,
        alone=True,
    ),
    SecretKind(
        "private key, PEM, cut off",
        lambda r, h: _block("EC PRIVATE KEY" if h else "RSA PRIVATE KEY", cut=True)(r, h),
        hidden=_body,
        alone=True,
    ),
    SecretKind(
        "private key, OpenSSH",
        lambda r, h: _block("OPENSSH PRIVATE KEY", width=76 if h else 70)(r, h),
        hidden=_body,
        alone=True,
    ),
    SecretKind(
        "private key, PGP",
        lambda r, h: _block(
            "PGP PRIVATE KEY BLOCK", "Comment: of the kettle\n" if h else "Version: 1\n"
        )(r, h),
        hidden=_body,
        alone=True,
    ),
    SecretKind("private key, PuTTY", _putty, hidden=lambda v: tuple(v.split("\n")[4:]), alone=True),
    # personal data
    SecretKind("mail address", _mail),
    SecretKind("IPv4 address", _address),
    SecretKind(
        "IPv6 address",
        _pattern(
            ["2001:db8:xxxx:xxxx::P", "2a02:xxx:xxxx:1:xxxx:xxxx:xxxx:xxxx"],
            ["fe80::xxxx:xxff:fexx:xxxx", "fd12:3456:789a:1::P", "2606:4700:xxxx::xxxx:xxxx"],
        ),
    ),
    SecretKind("card, Visa", _card(["4"], 16)),
    SecretKind("card, Mastercard", _card(["51", "54", "2221", "2700"], 16)),
    SecretKind("card, American Express", _card(["34", "37"], 15)),
    SecretKind("IBAN", _iban),
    SecretKind(
        "phone, international",
        _pattern(
            ["+49 30 #######", "+44 20 7946 ####", "+1 (NN#) N##-####"],
            ["+33 6 ## ## ## ##", "+81-3-P###-####", "+49151########", "0049 89 #######"],
        ),
    ),
    SecretKind(
        "phone, North America",
        _pattern(
            ["(NN#) N##-####", "NN#-N##-####"], ["NN#.N##.####", "1-NN#-N##-####", "NN# N## ####"]
        ),
    ),
    SecretKind(
        "phone, local",
        _pattern(
            ["030 #######", "0171 #######", "01 ## ## ## ##"],
            ["020 7946 ####", "(030) ### ## ##", "0171/#######", "03-P###-####", "06-########"],
        ),
    ),
    SecretKind("social security number", _pattern(["PN#-#P-##P#"], ["PN#-P#-P###"])),
)

_FREE_NAMES: Final = (("value", "setting", "item"), ("param", "entry", "thing"))


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(one.capitalize() for one in more)


_TEMPLATES: Final[Mapping[Carrier, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "code": (
        ('{name} = "{value}"\n', "client = Client(timeout=3, {name}='{value}')\n"),
        (
            'const {camel} = "{value}";\n',
            '{name}: str = "{value}"\n',
            "config['{name}'] = '{value}'\n",
            '    "{name}" => "{value}",\n',
        ),
    ),
    "env": (
        ("{upper}={value}\n", "export {upper}={value}\n"),
        (
            'export {upper}="{value}"\n',
            "{upper}='{value}'\n",
            "docker run -e {upper}={value} kettle\n",
        ),
    ),
    "yaml": (
        ("service:\n  {name}: {value}\n", '  {name}: "{value}"\n'),
        (
            "- {kebab}: '{value}'\n",
            "{camel}: {value}  # of the kettle\n",
            "env:\n  - name: {upper}\n    value: {value}\n",
        ),
    ),
    "json": (
        ('{{"id": 7, "{name}": "{value}", "on": true}}\n', '  "{name}": "{value}",\n'),
        ('{{"{camel}":"{value}","id":7}}\n', '{{"body": "{{\\"{name}\\": \\"{value}\\"}}"}}\n'),
    ),
    "logs": (
        (
            "2026-01-02T03:04:05Z INFO login user=ann {name}={value} status=ok\n",
            "[debug] using {name}: {value}\n",
        ),
        (
            "Jan  2 03:04:05 web-1 app[77]: retry 2, {name}={value}, next in 3 s\n",
            "WARN rejected ({camel}={value})\n",
            'level=info msg="set" {name}="{value}" took=3ms\n',
        ),
    ),
    "prose": (
        ("The {words} is {value}.\n", "Please use this {words}: {value}\n"),
        (
            "I changed the {words} to {value} yesterday.\n",
            "For now the {words} for the staging host is `{value}`, tell nobody.\n",
            '{title}: "{value}" (do not share)\n',
        ),
    ),
}
_FILLER: Final = (
    (
        "# settings of the kettle\n",
        "the water boils at 100 degrees\n",
        "debug = False\n",
        "retries: 3\n",
        "\n",
    ),
    (
        "-- part two --\n",
        "// nothing to see on this line\n",
        "mode = 'quiet'\n",
        "limits: [1, 2]\n",
        "{}\n",
    ),
)


def samples(split: Split, seed: int, each: int) -> Iterator[SecretSample]:
    """``each`` samples of every kind in every carrier, the same for the same seed."""
    held = split == "held_out"
    rng = random.Random(f"{split} {seed}")
    for kind in KINDS:
        for carrier in CARRIERS:
            for _ in range(each):
                yield _sample(kind, carrier, rng, held)


def _sample(kind: SecretKind, carrier: Carrier, rng: random.Random, held: bool) -> SecretSample:
    value = kind.make(rng, held)
    hidden = kind.hidden(value)
    if kind.alone:
        text = _alone(value, carrier, held)
    else:
        name = rng.choice((kind.names if any(kind.names) else _FREE_NAMES)[held])
        text = rng.choice(_TEMPLATES[carrier][held]).format(
            name=name,
            value=value,
            camel=_camel(name),
            upper=name.upper(),
            kebab=name.replace("_", "-"),
            words=name.replace("_", " "),
            title=name.replace("_", " ").capitalize(),
        )
    before = "".join(rng.choices(_FILLER[held], k=rng.randint(0, 6)))
    after = "".join(rng.choices(_FILLER[held], k=rng.randint(0, 6)))
    return SecretSample(kind.name, carrier, before + text + after, hidden)


def _alone(value: str, carrier: Carrier, held: bool) -> str:
    """A header or a block as the carrier holds what has several lines."""
    if carrier == "code":
        if held and "\n" in value:
            return "KEY = (\n" + "".join(f'    "{line}\\n"\n' for line in value.split("\n")) + ")\n"
        return f'text = """{value}"""\n'
    if carrier == "env":
        return "TEXT=" + json.dumps(value) + "\n" if held else f'TEXT="{value}"\n'
    if carrier == "yaml":
        return "text: |\n" + "".join(f"  {line}\n" for line in value.split("\n"))
    if carrier == "json":
        return json.dumps({"text": value, "on": True}) + "\n"
    if carrier == "logs":
        if held:
            return "".join(f"> {line}\n" for line in value.split("\n"))
        return f"2026-01-02T03:04:05Z DEBUG got\n{value}\n2026-01-02T03:04:06Z INFO done\n"
    return f"This is what you asked for:\n\n{value}\n\nKeep it to yourself.\n"
