"""Scores differ by their gap on the task's scale."""


def score_distance(first: float, second: float, scale: tuple[float, float]) -> float:
    """|first - second| / (highest - lowest), in [0, 1]; beyond the scale it stays at 1."""
    lowest, highest = scale
    return min(1.0, abs(first - second) / (highest - lowest))
