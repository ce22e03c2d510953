"""A key that a server repeats, however it writes it, is in nothing that goes further."""

import asyncio
import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.text.replies.call_errors import CallError, Unauthorised
from orchestration_assets.text.replies.echoes import LEAST, STAND_IN, Echoes
from resources.ai_services.http.keys import checked, secrets_of
from resources.ai_services.http.service import SAID_CHARS, HttpService, Reply, Request
from tests.ai_services.http.echoing import FORMS, KEY
from tests.ai_services.http.samples import asked, chat
from tests.fuzzing import fuzz

ECHOES = Echoes([KEY])
AROUND = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = st.text("abcXYZ0189_-+/=.~", min_size=LEAST, max_size=60)


def tells(text: str, key: str) -> bool:
    """Whether eight characters in a row of the key stand in the text."""
    return any(key[at : at + LEAST] in text for at in range(len(key) - LEAST + 1))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_key_is_taken_out_and_the_words_around_it_stay(form: str) -> None:
    echo = FORMS[form](KEY)
    left = ECHOES.without(f"Incorrect key {echo} in the header, see the manual.")
    assert STAND_IN in left
    assert left.startswith("Incorrect key ")
    assert left.endswith(" in the header, see the manual.")
    assert echo not in left
    assert not tells(left, KEY)


def test_a_part_of_a_key_goes_and_the_usual_masks_stay() -> None:
    assert ECHOES.without(f"key {KEY[:12]}... is wrong") == f"key {STAND_IN}... is wrong"
    assert ECHOES.without(f"key ...{KEY[-9:]}") == f"key ...{STAND_IN}"
    masked = f"key {KEY[:4]}...{KEY[-4:]} is wrong"
    assert ECHOES.without(masked) == masked


def test_a_text_without_an_echo_is_the_same_text() -> None:
    text = 'The answer is "red" \\u00e9 %20 &amp; ' + base64.b64encode(b"nothing here").decode()
    assert ECHOES.without(text) is text
    assert Echoes([]).without(KEY) == KEY
    assert Echoes(["abc"]).without("abcabc") == "abcabc"
    assert Echoes(["abcd"]).without("the abcd of it") == f"the {STAND_IN} of it"


WRITTEN = st.sampled_from(
    [
        str,
        lambda one: quote(one, safe=""),
        lambda one: "".join(f"%{ord(sign):02X}" for sign in one),
        lambda one: "".join(f"\\u{ord(sign):04x}" for sign in one),
        lambda one: "".join(f"&#{ord(sign)};" for sign in one),
        html.escape,
        lambda one: json.dumps(json.dumps(one)),
        lambda one: base64.b64encode(one.encode()).decode(),
        lambda one: base64.urlsafe_b64encode(one.encode()).decode().rstrip("="),
        lambda one: one.encode().hex(),
    ]
)


@fuzz
# capitals spoil an encoding, so that they come first
@given(KEYS, WRITTEN, st.one_of(WRITTEN, st.just(str.upper)), AROUND, AROUND)
def test_no_key_is_left_whatever_surrounds_it(key, outer, inner, before, after) -> None:
    echoes = Echoes([key])
    text = f"{before} {outer(inner(key))} {after}"
    left = echoes.without(text)
    assert not tells(left.replace(STAND_IN, " "), inner(key)) or inner(key) != key
    assert echoes.without(left) == left
    assert outer(inner(key)) not in left


def test_a_reading_is_cleaned_in_every_part_and_a_label_of_the_task_stays() -> None:
    reading = Reading(
        Status.OK, f"it is {KEY}", 0.5, (Alternative(KEY, 0.2),), evidence=KEY, reason=f"x {KEY}"
    )
    cleaned = ECHOES.without_in(reading)
    assert not tells(repr(cleaned), KEY)
    assert cleaned.answer == f"it is {STAND_IN}"
    label = KEY[:20]
    assert ECHOES.without_in(Reading(Status.OK, label), (label,)).answer == label
    several = ECHOES.without_in(Reading(Status.OK, ("a", KEY)))
    assert several.answer == ("a", STAND_IN)


def test_an_error_forgets_what_it_came_from_if_that_repeats_the_key() -> None:
    try:
        try:
            raise ValueError(f"bad header {KEY}")
        except ValueError as error:
            raise CallError(f"it said {KEY}") from error
    except CallError as error:
        ECHOES.clean(error)
        assert str(error) == f"it said {STAND_IN}"
        assert error.__cause__ is None
        assert error.__context__ is None


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x1b", "\u2019", "\u00a0"])
def test_a_key_that_no_header_can_carry_is_said_and_not_shown(sign: str) -> None:
    with pytest.raises(Unauthorised, match="MY_KEY holds a line break") as raised:
        checked("MY_KEY", f"{KEY[:10]}{sign}{KEY[10:]}")
    assert not tells(str(raised.value), KEY)
    assert "\n" not in str(raised.value)
    assert checked("MY_KEY", KEY) == KEY


@pytest.mark.parametrize("scheme", ["Bearer", "BASIC", "token", "ApiKey", "digest", "negotiate"])
def test_the_scheme_before_a_key_is_no_secret(scheme, monkeypatch) -> None:
    monkeypatch.setenv("MY_HEADER", f"{scheme} {KEY} of two")
    config = chat("http://localhost/v1", header_env={"x-auth": "MY_HEADER"})
    secrets = tuple(secrets_of(config))
    assert secrets == (f"{KEY} of two", KEY)
    text = f"the {scheme} of good news, the {scheme} sk of two tales"
    assert Echoes(secrets).without(text) == text
    assert Echoes(secrets).without(f"{scheme} {KEY}") == f"{scheme} {STAND_IN}"


class Saying(HttpService):
    """Answers what it is given, as adapters do."""

    kinds = frozenset({AnswerKind.SET})

    reply: Reply

    def prepare(self, questions):
        return Request(tuple(questions), {}, (), 0)

    def _shaping(self):
        return {}

    async def send(self, request, key):
        if isinstance(self.reply, CallError):
            raise self.reply
        return self.reply


def test_of_a_long_answer_only_what_is_kept_is_read_and_no_key_is_cut_in_two(monkeypatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setattr(Echoes, "without", counted := Counted(Echoes.without))
    service = Saying("s", chat("http://localhost/v1", api_key_env="MY_KEY"))
    request = service.prepare([asked("x", Task("t", "1", AnswerKind.SET))])
    for before in (0, SAID_CHARS - 20, SAID_CHARS - 1):
        reading = Reading(Status.OK, tuple(f"{n} {KEY}" + "a" * 3000 for n in range(20)))
        service.reply = Reply((reading,), said="a " * (before // 2) + KEY + "b" * 1_000_000)
        reply = asyncio.run(service.send(request, ""))
        assert len(reply.said) <= SAID_CHARS
        assert not tells(repr(reply), KEY)
    service.reply = CallError("x" * 1_000_000 + KEY)
    service.reply.__cause__ = json.JSONDecodeError("no", "y" * 1_000_000, 3)
    with pytest.raises(CallError) as raised:
        asyncio.run(service.send(request, ""))
    assert raised.value.__cause__ is None
    assert max(counted.sizes) <= 8000


class Counted:
    """A method that notes how long the texts are that it is given."""

    def __init__(self, method) -> None:
        self.method, self.sizes = method, []

    def __get__(self, echoes, kind):
        def called(text):
            self.sizes.append(len(text))
            return self.method(echoes, text)

        return called


def test_a_megabyte_of_escapes_is_done() -> None:
    for piece in ("\\u0041", "%41", "&#65;", "QUJD", "41", "&amp;", "\\", KEY[:7] + " "):
        ECHOES.without(piece * (200_000 // len(piece)))
