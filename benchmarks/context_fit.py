"""What a service loses when it is shown a part: telling sections beside the beginning and a spread.

Every text of a folder that is larger than the budget is cut to a share of its tokens in three
ways; the part's words are held against those of the whole, weighed by TF-IDF over the folder.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks._output import table, write_json
from orchestration_assets.processing.excerpt import excerpt
from orchestration_assets.text.context_window import fit
from orchestration_assets.text.token_estimates import token_estimate

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

SHARES: Final = (0.1, 0.2, 0.4)
_LEAST_TOKENS: Final = 4000
_MOST_TEXTS: Final = 60
_SUFFIXES: Final = {".py", ".md", ".rst", ".txt"}
KEYWORDS: Final = 20


def _lead(text: str, tokens: int) -> str:
    """The beginning, of about so many tokens."""
    return text[: round(len(text) * tokens / token_estimate(text))]


def _spread(text: str, tokens: int) -> str:
    """Sections at equal distances, of about so many tokens in all."""
    return excerpt(text, round(len(text) * tokens / token_estimate(text)))


def _telling(text: str, tokens: int) -> str:
    return fit(text, tokens).text


WAYS: Final[dict[str, Callable[[str, int], str]]] = {
    "telling sections": _telling,
    "even spread": _spread,
    "beginning": _lead,
}


def main(arguments: Sequence[str]) -> int:
    """``FOLDER [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks context_fit", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    texts = _texts(given.folder)
    if not texts:
        print(f"{given.folder} has no text of {_LEAST_TOKENS:,} tokens or more", file=sys.stderr)
        return 2
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w{3,40}").fit(texts)
    rows = [_measured(texts, words, share, way) for share in SHARES for way in WAYS]
    print(
        table(
            f"Parts of {len(texts)} texts of {_LEAST_TOKENS:,} tokens or more, beside the whole",
            ("share", "way", "tokens shown", "keywords kept", "vector cosine", "vector p10"),
            [tuple(row.values()) for row in rows],
        )
    )
    write_json(given.json, {"texts": len(texts), "rows": rows})
    return 0


def _texts(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file() and path.stat().st_size < 1_000_000:
            text = path.read_text("utf-8", "replace")
            if token_estimate(text) >= _LEAST_TOKENS:
                found.append(text)
    # spread over the folder, so that no one corner of it decides
    return found[:: max(1, len(found) // _MOST_TEXTS)][:_MOST_TEXTS]


def _measured(
    texts: Sequence[str], words: "TfidfVectorizer", share: float, way: str
) -> dict[str, Any]:
    kept, cosines, shown = [], [], []
    for text in texts:
        whole = token_estimate(text)
        part = WAYS[way](text, round(whole * share))
        shown.append(token_estimate(part) / whole)
        of_whole, of_part = words.transform([text, part]).toarray()
        # rows are of length one, so their product is the cosine
        cosines.append(float(of_whole @ of_part))
        kept.append(len(_top(of_whole) & _top(of_part)) / KEYWORDS)
    return {
        "share": share,
        "way": way,
        "shown": statistics.fmean(shown),
        "keywords_kept": statistics.fmean(kept),
        "cosine": statistics.fmean(cosines),
        "cosine_p10": float(np.percentile(cosines, 10)),
    }


def _top(weights: NDArray[np.float64]) -> set[int]:
    return set(np.argsort(-weights, kind="stable")[:KEYWORDS].tolist())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
