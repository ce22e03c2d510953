"""Pages of a long list."""


def page(entries: list[str], number: int, size: int) -> list[str]:
    """The entries of a page; pages are counted from 1."""
    begin = number * size
    return entries[begin : begin + size]
