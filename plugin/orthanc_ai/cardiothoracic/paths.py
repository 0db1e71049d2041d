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
    costs = np.float32(stiffness) * np.arange(-reach, reach + 1, dtype=np.float32) ** 2
    # The best sum of a path that ends at each place, with room at both ends that no path reaches.
    totals = np.full((lines, paths, places + 2 * reach), -np.inf, np.float32)
    totals[0, :, reach : reach + places] = scores[:, 0]
    other = np.empty((paths, places), np.float32)
    for line in range(1, lines):
        before, best = totals[line - 1], totals[line, :, reach : reach + places]
        best[:] = before[:, reach : reach + places]
        for move in range(2 * reach + 1):
            if move != reach:
                np.subtract(before[:, move : move + places], costs[move], out=other)
                np.maximum(best, other, out=best)
        best += scores[:, line]
    path = np.empty((paths, lines), np.intp)
    path[:, -1] = totals[-1, :, reach : reach + places].argmax(axis=1)
    for line in range(lines - 1, 0, -1):
        for number in range(paths):
            at = path[number, line]
            path[number, line - 1] = at - reach + (totals[line - 1, number, at : at + 2 * reach + 1] - costs).argmax()
    return path
