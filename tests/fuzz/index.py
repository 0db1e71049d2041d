"""Headers of CT images as Orthanc's index gives them, and the verdict on their study."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from orthanc_ai.cardiac.header import NEEDED_TAGS, Header
from orthanc_ai.cardiac.judge import judge_study
from phantom.ct import Kind, ct_series

KINDS: tuple[Kind, ...] = ("ccta", "calcium_score", "multiphase", "localizer")


def seeds(data: Path) -> Iterator[bytes]:
    for kind in KINDS:
        series = ct_series(kind, slices=4)
        tags = [{keyword: _text(image.get(keyword, "")) for keyword in NEEDED_TAGS} for image in series]
        yield json.dumps(tags).encode()
    yield json.dumps([{"Modality": "CT", "AnatomicRegionSequence": [{"CodeValue": "80891009"}]}]).encode()


def _text(value: object) -> str:
    several = hasattr(value, "__iter__") and not isinstance(value, str)
    return "\\".join(map(str, value)) if several else str(value)  # type: ignore[call-overload]


def one_input(content: bytes) -> None:
    """Judge a study of any JSON objects; that never fails, and the verdict is JSON."""
    try:
        tags = json.loads(content)
    except (ValueError, RecursionError):
        return
    headers = [Header.from_tags(one) for one in tags if isinstance(one, Mapping)] if isinstance(tags, list) else []
    json.dumps(judge_study(headers).to_json(), allow_nan=False)
