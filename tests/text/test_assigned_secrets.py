"""Secrets by the name that they are given to, in the ways in which languages give values."""

import pytest

from orchestration_assets.text.sensitive.assigned_secrets import assigned_secrets

WAYS = [
    'secret_key = """{}"""',
    "secret_key = '''{}'''",
    'SECRET_KEY = """\n{}\n"""',
    "CREATE USER a IDENTIFIED BY '{}';",
    "alter user 'a'@'b' identified with mysql_native_password by '{}'",
    'ConvertTo-SecureString "{}" -AsPlainText -Force',
    "ConvertTo-SecureString -String '{}'",
    'variable "password" {{ default = "{}" }}',
    'variable "db_password" {{\n  type    = string\n  default = "{}"\n}}',
    "| password | {} |",
    "| user | ann | `db_password` | `{}` |",
]


def found(text: str) -> list[str]:
    return [text[begin:end] for begin, end in assigned_secrets(text)]


@pytest.mark.parametrize("way", WAYS)
def test_a_value_given_in_this_way_is_found(way: str) -> None:
    for value in ("hV7kq2Zp9xTw4Lm8", "hunter2!x7Q"):
        assert found(way.format(value)) == [value]


@pytest.mark.parametrize("way", WAYS)
def test_a_placeholder_given_in_the_same_way_is_none(way: str) -> None:
    for value in ("<password>", "changeme", "your-password-here"):
        assert found(way.format(value)) == []


@pytest.mark.parametrize(
    "text",
    [
        "| password | string | required |",
        "| token | description | the token of the session |",
        'token = """A text.\n\nOf two parts."""',
        'def apop(user, password):\n    """Authorisation\n\n    - for servers"""',
        'def check(password): """Authorisation"""',
        "identified by the author in 2019",
        'variable "password" { description = "of the user" }',
    ],
)
def test_what_only_looks_alike_is_none(text: str) -> None:
    assert found(text) == []
