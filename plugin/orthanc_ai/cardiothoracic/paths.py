"""The best path through a table of scores, one place per line: dynamic programming."""

import numpy as np
import numpy.typing as npt

type Scores = npt.NDArray[np.float32]


def best_paths(scores: Scores, stiffness: float, reach: int = 2) -> npt.NDArray[np.intp]:
    """The paths with the highest sums.

    Parameters
    ----------
    scores
        Shape (paths, lines, places). ``-inf`` forbids a place.
    stiffness
        What a move by one place from a line to the next costs; a move by n places costs n squared times that.
    reach
        The farthest move.

    Returns
    -------
    array of shape (paths, lines)
        The place in each line.
    """
    paths, lines, places = scores.shape
    moves = np.zeros((lines, paths, places), np.int8)
    costs = [(move, np.float32(stiffness * move * move)) for move in range(-reach, reach + 1) if move]
    total = scores[:, 0].copy()
    padded = np.full((paths, places + 2 * reach), -np.inf, np.float32)
    for line in range(1, lines):
        padded[:, reach : reach + places] = total
        for move, cost in costs:
            other = padded[:, reach + move : reach + move + places] - cost
            better = other > total
            np.copyto(total, other, where=better)
            moves[line][better] = move
        total += scores[:, line]
    path = np.empty((paths, lines), np.intp)
    path[:, -1] = total.argmax(axis=1)
    every = np.arange(paths)
    for line in range(lines - 1, 0, -1):
        path[:, line - 1] = path[:, line] + moves[line, every, path[:, line]]
    return path
