"""Redaction: what is secret goes, what is none stays, whatever surrounds it."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks._secrets import KINDS, SecretSample, samples
from benchmarks.redaction import is_found, recall
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text import redaction
from orchestration_assets.text.redaction import redact
from orchestration_assets.text.sensitive.spans import character_classes
from tests.fuzzing import fuzz

ALL = tuple(SensitiveKind)
TUNING = tuple(samples("tuning", 11, 1))


def cleaned(text: str) -> str:
    return redact(text, ALL).text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("AWS_SECRET_ACCESS_KEY=zzTESTonly0123456789abcdefABCD", "AWS_SECRET_ACCESS_KEY=[SECRET]"),
        ("DB_PASSWORD=Not4Real-Pass99 # mine", "DB_PASSWORD=[SECRET] # mine"),
        ("DB_PASSWORD=a;b&c)d(e,f99", "DB_PASSWORD=[SECRET]"),
        ("token: notreal-9876543210-notreal", "token: [SECRET]"),
        ("Authorization: Bearer notreal0123456789notreal", "Authorization: Bearer [SECRET]"),
        ("postgres://kettle:Not4RealPass@db.example.org/k", "postgres://[SECRET]@db.example.org/k"),
        ("https://0123456789abcdef0123@sentry.example/1", "https://[SECRET]@sentry.example/1"),
        ("curl -u ann:Not4Real99 https://example.org", "curl -u ann:[SECRET] https://example.org"),
        ("db.example.org:5432:main:ann:Not4Real99", "db.example.org:5432:main:ann:[SECRET]"),
        ("<password>Not4Real99</password>", "<password>[SECRET]</password>"),
        ('<add key="DbPassword" value="Not4Real99"/>', '<add key="DbPassword" value="[SECRET]"/>'),
        ("define('DB_PASSWORD', 'Not4Real99');", "define('DB_PASSWORD', '[SECRET]');"),
        ("Server=x;Pwd=Not4Real99;Timeout=3", "Server=x;Pwd=[SECRET];Timeout=3"),
        ("GET /v1?api_key=0a1b2c3d4e5f6a7b&page=2", "GET /v1?api_key=[SECRET]&page=2"),
        ("my password is hunter2hunter.", "my password is [SECRET]."),
        (
            "the API key for maps is Zx81kQ0bPn27Lr, I think",
            "the API key for maps is [SECRET], I think",
        ),
        ("host 2001:db8::8a2e:370:7334 is up", "host [IP_ADDRESS] is up"),
        ("from fe80::1ff:fe23:4567:890a%eth0", "from [IP_ADDRESS]%eth0"),
        ("Tel. 030 1234567", "Tel. [PHONE]"),
        ("phone_number = '5550123'", "phone_number = '[PHONE]'"),
        ("card 4111111111111111.", "card [CARD]."),
    ],
)
def test_what_is_given_to_a_name_or_has_a_form_of_its_own_goes(text: str, left: str) -> None:
    assert cleaned(text) == left
    assert cleaned(f"x = 1\n{text}\ny = 2\n") == f"x = 1\n{left}\ny = 2\n"


@pytest.mark.parametrize(
    "text",
    [
        "password=changeme",
        "API_KEY=your-api-key-here",
        "API_KEY=<your key>",
        "token: ${TOKEN}",
        "PASSWORD=$DB_PASSWORD",
        "secret: {{ vault_secret }}",
        "password = %(db_password)s",
        'key = os.environ["API_KEY"]',
        "API_KEY=os.environ['API_KEY']",
        "password = get_password(user, 3)",
        "self.token = self._tokens.next_token(2)",
        "def login(token: str, password: str | None = None) -> Session:",
        "token: Optional[SecretStr]",
        "password: string;",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "password: ********",
        "max_tokens = 4096",
        "token_count: 12345678",
        "next_page_token: CAUQAA12345678",
        "primary key: 1234567890abcdef",
        "public_key = 'abcdef0123456789abcdef0123456789'",
        "password: please choose one with 8 signs",
        "the secret of good bread is 24 hours of rest",
        "http://user:password@host/",
        "if password == confirm_password:",
        "tokenizer = AutoTokenizer2.from_pretrained",
        "std::vector<int> a; x[1::2]; fade::in",
        "at 12:34:56 on 2024-11-05",
        "Python 3.11.4.1, version 1.2.3.4",
        "bind 0.0.0.0 and 255.255.255.0",
        "19 20 21 22 23 24 25",
        "00000000-0000-0000-0000-000000000000",
        "x = +4294967296",
        "Boston, MA 02110-1301",
        "4111 1111 1111 1112",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----",
    ],
)
def test_what_merely_looks_like_it_stays(text: str) -> None:
    assert cleaned(text) == text


BODY = "\n".join("MIIEow" + "Qz9" * 19 + "Qw" for _ in range(12))


@pytest.mark.parametrize("around", [("", ""), ('k = """', '"""\n'), ("> ", "\n> done")])
@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("headers", ["", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0011\n\n"])
@pytest.mark.parametrize("cut", [slice(None), slice(40, None), slice(None, -40)])
def test_a_key_block_goes_whole_even_where_one_end_is_missing(around, label, headers, cut) -> None:
    block = f"-----BEGIN {label}-----\n{headers}{BODY}\n-----END {label}-----"
    left = cleaned(f"before\n{around[0]}{block[cut]}{around[1]}\nThe text goes on after it.")
    assert "Qz9" not in left
    assert left.startswith("before\n")
    assert left.endswith("The text goes on after it.")


def test_a_key_block_in_a_string_of_json_goes_whole() -> None:
    block = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n".replace("\n", "\\n")
    assert cleaned(f'{{"private_key": "{block}", "id": 7}}').endswith(', "id": 7}')
    assert "Qz9" not in cleaned(f'{{"key": "{block}", "id": 7}}')
    assert "Qz9" not in cleaned(f'{{"key": "{block[:300]}", "id": 7}}')


def test_what_the_patterns_were_made_for_is_found() -> None:
    figures = recall(samples("tuning", 5, 2))
    assert figures["samples"] == len(KINDS) * 12
    assert figures["all"] >= 0.98, figures["kinds"]


@fuzz
@given(st.sampled_from(TUNING), st.text(max_size=80), st.text(max_size=80))
def test_lines_around_a_secret_do_not_hide_it(
    sample: SecretSample, before: str, after: str
) -> None:
    assert is_found(sample)
    assert is_found(sample._replace(text=f"{before}\n{sample.text}\n{after}")) or any(
        part in before + after for part in sample.hidden
    )


SIGNS = st.sampled_from(
    [
        *("password", "token", "secret", "api_key", "key", "=", ": ", '"', "'", " ", "\n", "\\n"),
        *("AKIA", "ghp_", "sk-", "eyJ", "hunter2", "a1b2c3d4e5", "4111", "1111", "+49", "030", "/"),
        *("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "MIIEow", "@", "."),
        *(
            "://",
            ":",
            "::",
            "2001",
            "db8",
            "192.168.0.7",
            "(",
            ")",
            "-",
            "[",
            "]",
            "SECRET",
            "{",
            "$",
        ),
        *("\u0130", "\u017f", "\ud800", "\u6f22", "0" * 20, "A" * 40, "is", "Bearer ", "Basic "),
    ]
)


@fuzz
@given(st.one_of(st.text(max_size=400), st.lists(SIGNS, max_size=40).map("".join)))
@example("password=[SECRET]")
@example("a@b.co@c.co@d.co")
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text, ALL)
    again = redact(once.text, ALL)
    assert (again.text, dict(again.counts)) == (once.text, {})
    if not once.counts:
        assert once.text == text


PLAIN = st.lists(
    st.sampled_from(["the", "kettle", "boils", "water", "at", "noon", "and", "x", "=", "1", "(y)"]),
    max_size=60,
).map(" ".join)


@fuzz
@given(PLAIN)
def test_a_text_without_secrets_is_returned_as_it_is(text: str) -> None:
    assert redact(text, ALL) == (text, {})


HOSTILE = {
    "assignments": "password=",
    "quotes": "password='",
    "names": "token.",
    "names and spaces": "token ",
    "prose": "password is a word to ",
    "begins": "-----BEGIN RSA PRIVATE KEY-----\n",
    "ends": "-----END RSA PRIVATE KEY-----\n",
    "begins and bodies": "-----BEGIN PRIVATE KEY-----MIIEow\\n",
    "web tokens": "eyJaaaaaaaaaaaaaaa.",
    "broken web tokens": "eyJ-",
    "token beginnings": "sk-ghp_AKIA",
    "one long word": "a",
    "figures": "1234 ",
    "figures and signs": "0-1(2) ",
    "plus": "+49",
    "trunk": "030/",
    "octets": "1.2.",
    "colons": "a:b:",
    "double colons": "::",
    "hexadecimal": "20ab:",
    "at": "a@a.",
    "addresses": "://a:",
    "accounts": "DE89 3704 ",
    "brackets": "token(",
    "dollars": "$2b$",
    "options": " -u a:",
    "mysql": "mysql a ",
    "angles": "password <",
    "headers": "PuTTY-User-Key-File-2: a\nA: b\n",
    "escapes": 'token: "\\\\',
    "mnemonics": "mnemonic: abc abc abc ",
    "call": "call call phone ",
    "backslashes": "password\\\\\\",
    "value": "secret value value ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_done(name: str) -> None:
    # what takes more than proportional time would not end here
    redact(HOSTILE[name] * (200_000 // len(HOSTILE[name])), ALL)


def test_a_megabyte_of_shuffled_signs_is_done() -> None:
    rng = random.Random(3)
    pieces = list(HOSTILE.values())
    redact("".join(rng.choices(pieces, k=1_000_000 // 12)), ALL)


def test_no_finder_is_passed_over_that_would_find_something() -> None:
    """Each literal and number of digits that decides so is one that every find holds."""
    texts = [part for sample in TUNING for part in (sample.text, *sample.text.splitlines())]
    for kind, finder, literals in redaction._FINDERS:
        for sample in texts:
            if list(finder(sample)):
                assert any(literal in sample for literal in literals), (kind, sample)
    for kind, number, least in redaction._NUMBER_FINDERS:
        for sample in texts:
            mask = character_classes(sample)
            if list(number(sample, mask)):
                assert mask.count(b"d") >= least, (kind, sample)
