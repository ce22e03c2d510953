"""The closed vocabulary of the task ``natural_language``: ISO 639-1 codes."""

from typing import Final

_CODES = """
af am an ar as az ba be bg bn bo br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl
gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr
ms mt my ne nl nn no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg
th ti tk tl tr tt ug uk ur uz vi vo wa xh yi yo zh zu
"""

NATURAL_LANGUAGES: Final[tuple[str, ...]] = tuple(_CODES.split())
"""Every answer to ``natural_language``. Norwegian Bokmål answers as ``no``."""
