"""Templates of values: what they see, what they yield, and that nothing else comes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.policy.value_templates import ValueTemplateError, rendered
from tests.fuzzing import fuzz

ALLOWED = frozenset({"REGION", "LIMIT"})


def value(text: str, environment: str | None = None, **variables: str):
    return rendered(text, ALLOWED, variables, environment).value


def refusal(text: str, environment: str | None = None, **variables: str) -> str:
    with pytest.raises(ValueTemplateError) as caught:
        value(text, environment, **variables)
    return str(caught.value)


def test_a_template_yields_text_unless_it_ends_in_a_number() -> None:
    assert value("{{ env.LIMIT }}", LIMIT="5") == "5"
    assert value("{{ env.LIMIT | int }}", LIMIT=" 5 ") == 5
    assert value("{{ env.LIMIT | float }}", LIMIT="2.5") == 2.5
    assert value("{{ env['REGION'] }}-{{ environment }}", "prod", REGION="eu") == "eu-prod"
    assert value("{{ env.REGION | default('us') | upper }}") == "US"


@pytest.mark.parametrize("given_value", ["abc", "", "1.5", "0x10", "9" * 5000, "1e3"])
def test_what_is_no_number_is_told_instead_of_being_nought(given_value) -> None:
    assert "does not yield a whole number" in refusal("{{ env.LIMIT | int }}", LIMIT=given_value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ env.HOME }}", "reads HOME, which its file does not list under variables"),
        ("{{ env.REGOIN }}", "did you mean 'REGION'"),
        ("{{ env }}", "env is used as a whole"),
        ("{% for name in env %}{{ name }}{% endfor %}", "env is used as a whole"),
        ("{{ env[environment] }}", "env is used as a whole"),
        ("{{ content }}", "The text of a prompt is a template already"),
        ("{{ env.REGION }}", "REGION is not set in the environment"),
        ("{{ environment }}", "no environment is chosen"),
        ("{{ ''.__class__ }}", "cannot be"),
        ("{% include 'x' %}", "cannot be read"),
        ("{{", "line 1 of it"),
        ("x" * 30_000, "longer than 20000"),
        ("{{ 'x' * 99999999 }}", "cannot be rendered"),
    ],
)
def test_what_cannot_be_rendered_is_said_in_words(text, words) -> None:
    assert words in refusal(text)


def test_no_message_repeats_what_a_variable_holds() -> None:
    for text in ("{{ env.LIMIT + 1 }}", "{{ env.LIMIT | int }}", "{{ env.LIMIT.nosuch }}"):
        assert "hunter2" not in refusal(text, LIMIT="hunter2")


@fuzz
@given(st.text(alphabet="{}%|. envREGION'()[]*+int<>!\n\t\ud83d\u2028é0", max_size=60), st.text())
def test_whatever_is_written_yields_a_plain_value_or_a_refusal(text, held) -> None:
    for written in (text, "{{ " + text + " }}", "{{ env.REGION " + text + " }}"):
        try:
            made = rendered(written, ALLOWED, {"REGION": held}, "production")
        except ValueTemplateError as error:
            assert str(error)
        else:
            assert type(made.value) in (str, int, float)
            assert set(made.variables) <= ALLOWED
