"""Rows of a matrix of half precision, handed out in single precision."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# of 16 bits the last ten are the fraction, those before the exponent, and the first the sign; of 32
# bits 23, 8 and the first
_SIGN: Final = 0x8000
_LEAST_NORMAL: Final = 0x0400
_INFINITE: Final = 0x7C00
_WIDER_FRACTION: Final = 23 - 10
_EXPONENT_OFFSET: Final = (127 - 15) << 23


@dataclass(frozen=True)
class HalfRows:
    """``bits``: the numbers without their signs, each as 16 bits. In single precision, ``rest`` is
    what all of them have in common."""

    bits: npt.NDArray[np.uint16]
    rest: np.uint32

    def __getitem__(self, places: Any) -> npt.NDArray[np.float32]:
        """The rows at these places, exactly; they take less time to widen than numpy does, which
        knows of numbers near 0 and of numbers that are none."""
        wide: npt.NDArray[np.uint32] = self.bits.take(places, axis=0).astype(np.uint32)
        wide <<= _WIDER_FRACTION
        wide += self.rest
        return wide.view(np.float32)


def half_rows(matrix: npt.NDArray[Any]) -> "HalfRows | npt.NDArray[np.float32]":
    """What gives rows of ``matrix`` in single precision: in half of the memory, where its numbers
    are of half precision and one sign, finite and not near 0; else a copy of it."""
    if matrix.dtype == np.float16 and matrix.size:
        bits = np.array(matrix, order="C").view(np.uint16)
        signs = int(np.bitwise_or.reduce(bits, axis=None)) & _SIGN
        is_of_one_sign = signs == int(np.bitwise_and.reduce(bits, axis=None)) & _SIGN
        bits &= np.uint16(_SIGN - 1)
        if is_of_one_sign and bits.min() >= _LEAST_NORMAL and bits.max() < _INFINITE:
            return HalfRows(bits, np.uint32((signs << 16) + _EXPONENT_OFFSET))
    return np.ascontiguousarray(matrix, np.float32)
