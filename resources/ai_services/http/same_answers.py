"""Under which earlier version of the code answers stand that this one would get as well.

``python -m resources.ai_services.code_versions`` prints the versions of the code as it is, and
what they are kept under. An entry is for one state of the code, with the libraries of
``constraints.txt``: after any other change there is none, and answers are asked for again. So a
wrong answer is never kept by oversight, only by a wrong entry.
"""

from collections.abc import Mapping
from typing import Final

SAME_ANSWERS: Final[Mapping[str, str]] = {
    # chat
    "873f1552a02f98a7": "ad3d59f60b864bb8",
    # embeddings
    "85222e496b470480": "d3bfe1b5ac6a3395",
}
"""Version of the code -> the version that its answers are kept under."""
