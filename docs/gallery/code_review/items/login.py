"""Logging in."""

import hashlib
import sqlite3


def user_of(database: sqlite3.Connection, name: str, password: str) -> int | None:
    """The user's number, if name and password fit."""
    digest = hashlib.md5(password.encode()).hexdigest()
    row = database.execute(f"SELECT id FROM users WHERE name = '{name}' AND digest = '{digest}'")
    found = row.fetchone()
    return found[0] if found else None
