"""The client way does the same work as the plugin: the same scores, in a report that can be read back."""

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import torch

from bench import client_way
from bench.clients import MODEL, write_weights
from bench.mixture import Kind, Mixture
from orthanc_ai.models.card import load_card
from orthanc_ai.models.network import load_network
from orthanc_ai.models.weights import embedded_weights
from orthanc_ai.xray.pixels import read_radiograph
from tests.live.orthanc import ROOT


def test_its_scores_are_the_plugins_and_stand_in_its_report(tmp_path: Path) -> None:
    card = load_card(ROOT / "models", MODEL)
    (film,) = Mixture([Kind("raw", 500, 410, 12)]).write(tmp_path, range(1))
    content = film.path.read_bytes()
    scores = client_way.read_scores(client_way.load_model(write_weights(tmp_path / "weights")), content)

    network = load_network(card, embedded_weights(card, ROOT / "models"), str(card.weights.sha256))
    tensor = read_radiograph(pydicom.dcmread(film.path), card.input_size).tensor
    with torch.inference_mode():
        ours = network(torch.from_numpy(tensor[None]))[0]
    expected = {output.label: float(ours[output.index]) for output in card.outputs}
    assert scores == pytest.approx(expected, abs=0.002)

    report = pydicom.dcmread(BytesIO(client_way.make_report(pydicom.dcmread(film.path), scores)))
    assert report.StudyInstanceUID == film.study_uid
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert list(_numbers(report)) == pytest.approx(list(scores.values()), abs=1e-6)


def _numbers(item: pydicom.Dataset) -> list[float]:
    own = [float(item.MeasuredValueSequence[0].NumericValue)] if item.get("ValueType") == "NUM" else []
    return own + [number for child in item.get("ContentSequence", []) for number in _numbers(child)]
