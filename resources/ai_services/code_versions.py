"""Prints the versions of the code behind services over HTTP, and what answers are kept under.

``python -m resources.ai_services.code_versions``; the second is for entries of
:mod:`resources.ai_services.http.same_answers`.
"""

import sys

from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.same_answers import SAME_ANSWERS


def main() -> None:
    """One line an adapter."""
    for adapter in (ChatService, EmbeddingsService):
        code = adapter.code()
        kept_under = SAME_ANSWERS.get(code, "itself")
        sys.stdout.write(f"{adapter.__name__} {code}, kept under {kept_under}\n")


if __name__ == "__main__":
    main()
