"""Labels are the same or they are not."""


def label_distance(first: str, second: str) -> float:
    """0 for equal labels, else 1: nothing is known about which labels are alike."""
    return 0.0 if first == second else 1.0
