"""How places of a service are shared by the processes that want some: a pure decision."""

from collections.abc import Sequence


def shares(places: int, wants: Sequence[int], first: int = 0) -> list[int]:
    """How many of the places each may hold; never more than ``places`` together.

    Nobody gets less than they want as long as others have more than they; what nobody wants is
    shared evenly, so that it need not be asked for. Where places do not divide, those from
    ``first`` on come first.
    """
    count = len(wants)
    given = [0] * count
    left = places
    order = [(first + n) % count for n in range(count)] if count else []
    for limits in (wants, [places] * count):
        open_ones = [n for n in order if given[n] < limits[n]]
        while left and open_ones:
            each = max(left // len(open_ones), 1)
            for n in open_ones:
                more = min(each, limits[n] - given[n], left)
                given[n] += more
                left -= more
            open_ones = [n for n in open_ones if given[n] < limits[n]]
    return given
