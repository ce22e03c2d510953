"""Whether somebody takes what is written: a terminal that was stopped does not, nor a full pipe."""

import select


def is_taken(descriptor: int) -> bool:
    """Whether something that is written there is taken now."""
    look = select.poll()
    look.register(descriptor, select.POLLOUT)
    # an error is one that writing tells
    return bool(look.poll(0))
