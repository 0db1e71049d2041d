"""From a model's scores to findings."""

import numpy as np
import numpy.typing as npt

from ..concepts import Finding
from ..models.card import ModelCard


def classify(card: ModelCard, scores: npt.NDArray[np.float32], *, band: float = 0.0) -> tuple[Finding, ...]:
    """What the scores of one image mean by the card's thresholds.

    Parameters
    ----------
    scores
        Shape (network outputs,), as an engine gives it for one image.
    band
        Half width of the undetermined band: a score closer to its threshold than this decides nothing.

    Returns
    -------
    One finding for each of the card's outputs, in the card's order. A demonstration model decides nothing.

    Raises
    ------
    ValueError
        If the scores are not the network's, or one of them is not a number from 0 to 1.
    """
    if scores.shape != (card.network_outputs,):
        raise ValueError(f"{card.name} has {card.network_outputs} scores for an image, not {scores.shape}")
    return tuple(
        Finding(
            label=output.label,
            concept=output.finding,
            site=output.site,
            score=_checked(float(scores[output.index]), output.label),
            threshold=output.threshold,
            presence=None if card.demonstration else _presence(float(scores[output.index]), output.threshold, band),
        )
        for output in card.outputs
    )


def _presence(score: float, threshold: float, band: float) -> bool | None:
    if abs(score - threshold) < band:
        return None
    return score >= threshold


def _checked(score: float, label: str) -> float:
    if not 0.0 <= score <= 1.0:
        raise ValueError(f"the score of {label} is {score}")
    return score
