"""What credentials and payment cards look like: counted in profiles, taken out of requests."""

from typing import Final

# signs that a text may hold one, and what it looks like from its first character on
TOKENS: Final = (
    (("AKIA", "ASIA"), r"A[KS]IA[0-9A-Z]{16}\b"),
    (("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,255}\b"),
    (("github_pat_",), r"github_pat_\w{22,255}\b"),
    (("glpat-",), r"glpat-[\w-]{20,64}"),
    (("xox",), r"xox[abprs]-[A-Za-z0-9-]{10,250}"),
    (("AIza",), r"AIza[\w-]{35}"),
    (("sk-", "sk_live_", "rk_live_"), r"(?:sk-|[sr]k_live_)[\w-]{20,250}"),
    (("eyJ",), r"eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}(?:\.[\w-]{0,2000})?"),
)
PRIVATE_KEY: Final = r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"
# of these one stands in every name that ASSIGNED looks for, in small letters
ASSIGNED_NAMES: Final = ("password", "passwd", "secret", "token", "api")
# a quoted value with a digit in it, given to a name that says what it is
ASSIGNED: Final = (
    r"(?:password|passwd|secret|token|api_?key)[\"']?\s{0,4}[:=]\s{0,4}"
    r"[\"'](?=[^\"'\s\d]{0,200}\d)[^\"'\s]{8,200}[\"']"
)


def luhn(number: str) -> bool:
    """Whether the check digit of a payment card is right (ISO/IEC 7812-1); only digits count."""
    digits = [int(one) for one in number if one.isdigit()][::-1]
    doubled = (sum(divmod(2 * one, 10)) for one in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
