"""Rows of half precision are handed out exactly, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.services.language.half_rows import HalfRows, half_rows

_NORMAL = st.integers(0x0400, 0x7BFF)


@given(st.lists(_NORMAL, min_size=6, max_size=6), st.sampled_from([0, 0x8000]))
def test_numbers_of_one_sign_take_half_the_memory_and_are_exact(bits: list[int], sign: int) -> None:
    matrix = np.array([one | sign for one in bits], np.uint16).view(np.float16).reshape(3, 2)
    rows = half_rows(matrix[:, ::-1])
    assert isinstance(rows, HalfRows)
    assert rows.bits.nbytes == matrix.nbytes
    wanted = matrix[:, ::-1].astype(np.float32)[[2, 0, 2]]
    found = rows[np.array([2, 0, 2])]
    assert found.dtype == np.float32
    assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    "numbers", [[1.0, -1.0], [0.0, 1.0], [6e-8, 1.0], [np.inf, 1.0], [np.nan, 1.0], [-0.0, -2.0]]
)
def test_what_does_not_fit_is_a_plain_matrix(numbers: list[float]) -> None:
    matrix = np.array([numbers], np.float16)
    rows = half_rows(matrix)
    assert isinstance(rows, np.ndarray)
    assert rows[np.array([0])].tobytes() == matrix.astype(np.float32).tobytes()


def test_single_precision_stays_as_it_is() -> None:
    matrix = np.array([[1.0 + 2**-20, 2.0]], np.float32)
    assert half_rows(matrix)[np.array([0])].tobytes() == matrix.tobytes()
