"""The worker half of reading radiographs, with the demonstration model."""

import functools
import os
from pathlib import Path

from orthanc_ai.analyses import XRAY, Answer, Task
from orthanc_ai.models.errors import ModelError
from orthanc_ai.models.prepare import prepare
from orthanc_ai.models.prepared import Prepared, load_prepared
from orthanc_ai.settings import AI
from orthanc_ai.xray.analysis import RadiographReader
from tests.unit.networks import MODELS, card, scratch

CACHE = Path(os.environ.get("ORTHANC_AI_MODELS_CACHE", "/var/lib/orthanc/ai/models"))
"""Where the test set-up has left the exported demonstration model."""

RECIPE = "a recipe"


@functools.cache
def prepared() -> Prepared:
    try:
        return load_prepared(card("phantom"), CACHE)
    except ModelError:
        return prepare(card("phantom"), MODELS, scratch() / "demonstration")


@functools.cache
def reader() -> RadiographReader:
    model = prepared()
    settings = {"Model": "phantom", "ModelsDirectory": MODELS, "CacheDirectory": model.onnx.parent.parent}
    return RadiographReader(AI.model_validate(settings))


def read(dicom: bytes) -> Answer:
    """What a worker answers for a file."""
    return reader().read(Task(XRAY, dicom, RECIPE, weights=prepared().weights_digest))
