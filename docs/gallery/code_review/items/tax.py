"""The tax of a parcel."""


def tax(value: float, weight: float, country: str, gift: bool) -> float:
    """In EUR."""
    if country in ("SE", "DK", "FI"):
        if gift and value < 45:
            return 0.0
        if value < 150:
            return round(value * 0.25, 2)
        if weight > 20:
            return round(value * 0.3 + 12, 2)
        return round(value * 0.3, 2)
    if country == "NO":
        if value < 350 or gift:
            return 0.0
        return round(value * 0.25, 2)
    if weight > 20:
        return 30.0
    return 0.0
