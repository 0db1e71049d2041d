"""Writes the demonstration model's card from its evaluation."""

import hashlib
from pathlib import Path
from typing import Any

from phantom.chest.findings import LABELS, NOT_SHOWN

HEAD = """\
format = 1
title = "Demonstration model trained on digital phantoms"
version = "{version}"
manufacturer = "orthanc-ai"
licence = "AGPL-3.0-or-later"
source = "phantom/train.py of this project"
demonstration = true

[network]
architecture = "densenet121"
input_size = {size}
outputs = {outputs}

# 16-bit floats in NumPy's npz form, read without pickle.
[weights]
loader = "arrays"
file = "weights.npz"
sha256 = "{digest}"

[intended_use]
text = \"\"\"
Demonstration on digital phantoms, not for diagnosis. Trained on nothing but computed chest radiographs
(docs/phantom.md): what it says about the image of a person means nothing.
\"\"\"
views = ["PA", "AP"]
minimum_age_years = 18

# Not among the outputs, since the phantom cannot show them honestly:
{missing}
# Thresholds: Youden's index on {validation} validation phantoms. The AUC is that on {test} unseen phantoms
# (evaluation.json).
"""

OUTPUT = """
[[outputs]]
label = "{label}"
index = {index}
operating_point = 0.5  # the score is the plain sigmoid
threshold = {threshold}  # AUC {auc:.3f} ({low:.3f} to {high:.3f})
"""


def card_text(evaluation: dict[str, Any], weights: Path, version: str, size: int) -> str:
    """The text of model.toml.

    Parameters
    ----------
    evaluation : dict
        What `phantom.evaluate.evaluate` gave.
    weights : Path
        The weights file; its digest goes into the card.
    """
    text = HEAD.format(
        version=version,
        size=size,
        outputs=len(LABELS),
        digest=hashlib.sha256(weights.read_bytes()).hexdigest(),
        missing="\n".join(f"# {label}: {why}" for label, why in NOT_SHOWN.items()),
        validation=evaluation["validation"]["phantoms"],
        test=evaluation["test"]["phantoms"],
    )
    for index, label in enumerate(LABELS):
        row = evaluation["findings"][label]
        low, high = row["auc_95"]
        text += OUTPUT.format(label=label, index=index, threshold=row["threshold"], auc=row["auc"], low=low, high=high)
    return text
