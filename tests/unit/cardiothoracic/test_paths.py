from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.cardiothoracic.paths import best_paths


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 5), st.floats(0, 1), st.integers(1, 2))
def test_no_path_is_better_than_the_one_found(seed: int, lines: int, places: int, stiffness: float, reach: int) -> None:
    scores = np.random.default_rng(seed).standard_normal((2, lines, places)).astype(np.float32)
    found = best_paths(scores, stiffness, reach)

    def total(number: int, path: tuple[int, ...]) -> float:
        moves = np.diff(path)
        if np.abs(moves).max(initial=0) > reach:
            return -np.inf
        return float(scores[number, range(lines), path].sum() - stiffness * (moves**2).sum())

    for number in range(2):
        best = max(total(number, path) for path in product(range(places), repeat=lines))
        assert abs(total(number, tuple(found[number])) - best) < 1e-4


def test_a_forbidden_place_is_not_taken() -> None:
    scores = np.zeros((1, 3, 3), np.float32)
    scores[0, 1, :2] = -np.inf
    assert best_paths(scores, 0.1)[0, 1] == 2
