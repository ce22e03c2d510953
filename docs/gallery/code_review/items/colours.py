"""Names of colours."""

COLOURS = {"red": "#d33", "green": "#3a3", "blue": "#33d"}


def colour(name: str) -> str:
    """The code of a colour, black for what has none."""
    return COLOURS.get(name, "#000")
