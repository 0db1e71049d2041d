import subprocess
import sys
from typing import Any

import pytest

from orthanc_ai.images.scaling import Scaling
from orthanc_ai.images.window import Window
from orthanc_ai.images.windows import FASTAI, NAMED, named
from orthanc_ai.volumes.orders import WINDOWS as VOLUME_WINDOWS


@pytest.mark.parametrize(
    "json",
    [
        {"kind": "header"},
        {"kind": "header", "number": 2, "use": "window"},
        {"kind": "header", "explanation": "BONE", "padding": "black"},
        {"kind": "named", "name": "lung", "function": "SIGMOID"},
        {"kind": "window", "center": 40, "width": 400},
        {"kind": "frequency", "bins": 50, "minimum": -1100},
        {"kind": "frequency", "cutPoints": [-1000.0, 0.0, 300.0]},
        {"kind": "range", "minimum": -1000, "maximum": 400},
        {"kind": "range", "percentiles": [1, 99]},
        {"kind": "viewer"},
    ],
)
def test_a_scaling_says_in_json_what_it_was_made_of(json: dict[str, Any]) -> None:
    assert Scaling.of(json).to_json() == json


def test_what_a_form_says_by_itself_does_not_count() -> None:
    assert Scaling.of({"kind": "header", "function": "LINEAR", "bins": 100, "width": None}).to_json() == {
        "kind": "header"
    }


@pytest.mark.parametrize(
    ("json", "message"),
    [
        ({"kind": "auto"}, "one of header, named"),
        ({"kind": "header", "center": 3}, "scaling by header has no center"),
        ({"kind": "header", "windw": 3}, "has no windw"),
        ({"kind": "header", "number": 0}, "from 1 on"),
        ({"kind": "header", "number": True}, "from 1 on"),
        ({"kind": "header", "use": "both"}, "lut or window"),
        ({"kind": "named"}, "by name"),
        ({"kind": "named", "name": "heart"}, "there are lung"),
        ({"kind": "window", "center": 40}, "center and width"),
        ({"kind": "window", "center": 40, "width": 0.5}, "not defined"),
        ({"kind": "window", "center": 40, "width": 400, "function": "CUBIC"}, "one of LINEAR"),
        ({"kind": "window", "center": float("nan"), "width": 400}, "finite"),
        ({"kind": "window", "center": "40", "width": 400}, "finite"),
        ({"kind": "frequency", "bins": 0}, "from 1 on"),
        ({"kind": "frequency", "bins": 10**6}, "at most"),
        ({"kind": "frequency", "cutPoints": [3, 1]}, "above the one before"),
        ({"kind": "frequency", "cutPoints": [3]}, "2 to"),
        ({"kind": "range", "minimum": 5, "maximum": 5}, "below"),
        ({"kind": "range", "percentiles": [99, 1]}, "lower first"),
        ({"kind": "range", "percentiles": [1, 99], "minimum": 0}, "either"),
        ({"kind": "viewer", "padding": "white"}, "shown or black"),
        ({"kind": "range", "percentiles": 5}, "wrong type"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(json: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scaling.of(json)


def test_a_name_means_the_same_window_in_pictures_and_in_exported_volumes() -> None:
    for name, window in VOLUME_WINDOWS.items():
        assert (NAMED[name].center, NAMED[name].width) == (window.center, window.width)


def test_fastais_names_mean_fastais_windows() -> None:
    # fastai.medical.imaging.dicom_windows, (width, level).
    fastai = {
        "brain": (80, 40),
        "subdural": (254, 100),
        "stroke": (8, 32),
        "brain_bone": (2800, 600),
        "brain_soft": (375, 40),
        "lungs": (1500, -600),
        "mediastinum": (350, 50),
        "abdomen_soft": (400, 50),
        "liver": (150, 30),
        "spine_soft": (250, 50),
        "spine_bone": (1800, 400),
    }
    assert {name: (named(name).width, named(name).center) for name in fastai} == fastai
    assert set(FASTAI) <= set(fastai)
    assert Scaling.of({"kind": "named", "name": "lungs"}).window == Window(-600, 1500)


def test_what_the_server_checks_requests_with_loads_no_pixels() -> None:
    program = "import sys, orthanc_ai.images.scaling, orthanc_ai.images.size; print([m for m in ('numpy', 'pydicom') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
