"""Heat maps, outlines and lines as DICOM objects: when somebody asks, once, and gone with what they belong to."""

from collections.abc import Callable, Iterator
from typing import Any

import pydicom
import pytest
from pydicom.uid import (
    Comprehensive3DSRStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from orthanc_ai.outcomes import REPORT_METADATA, XRAY_METADATA
from phantom.dicom import chest_dx

from .orthanc import Orthanc

SEED = 3


@pytest.fixture(scope="module")
def film() -> pydicom.Dataset:
    return chest_dx(SEED, 640, 512)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server = Orthanc(tmp_path_factory.mktemp("overlays")).start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def image(orthanc: Orthanc, film: pydicom.Dataset) -> str:
    (identifier,) = orthanc.upload([film])
    orthanc.wait_idle()
    return identifier


def outcome(orthanc: Orthanc, image: str) -> dict[str, Any]:
    found = orthanc.outcome("instances", image, XRAY_METADATA)
    assert found is not None
    assert found["code"] == "REPORTED"
    return found


def made(orthanc: Orthanc, image: str) -> dict[str, pydicom.Dataset]:
    """Everything in the image's study but the image, by SOP Instance UID."""
    study = orthanc.get(f"/instances/{image}/study")["ID"]
    instances = orthanc.get(f"/studies/{study}/instances")
    datasets = [orthanc.dataset(one["ID"]) for one in instances if one["ID"] != image]
    return {str(dataset.SOPInstanceUID): dataset for dataset in datasets}


def ask(orthanc: Orthanc, level: str, identifier: str) -> dict[str, Any]:
    answer = orthanc.request("POST", f"/ai/{level}/{identifier}/overlays", json={})
    assert answer.status_code == 202, answer.text
    orthanc.wait_idle()
    queued: dict[str, Any] = answer.json()
    return queued


def test_they_are_made_when_somebody_asks_and_only_once(orthanc: Orthanc, image: str) -> None:
    before = outcome(orthanc, image)
    assert "overlays" not in before["data"]
    first = before["result"]["sopInstanceUID"]
    assert list(made(orthanc, image)) == [first]

    study = orthanc.get(f"/instances/{image}/study")["ID"]
    assert ask(orthanc, "studies", study)["jobs"] == 1
    after = outcome(orthanc, image)
    above = [one["label"] for one in after["data"]["findings"] if one["score"] >= one["threshold"]]
    assert above, "the phantom was chosen to have findings"
    listed = after["data"]["overlays"]
    assert [one.get("finding", one["kind"]) for one in listed] == [*above, "segmentation", "measurements"]
    stored = made(orthanc, image)
    assert stored.keys() == {first, after["result"]["sopInstanceUID"], *(one["sopInstanceUID"] for one in listed)}
    classes = [stored[one["sopInstanceUID"]].SOPClassUID for one in listed]
    assert classes == [SecondaryCaptureImageStorage] * len(above) + [SegmentationStorage, Comprehensive3DSRStorage]

    # The new report names the old one, and refers to all that was made.
    report = stored[after["result"]["sopInstanceUID"]]
    predecessor = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert predecessor.ReferencedSOPInstanceUID == first
    evidence = {
        reference.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert evidence >= {one["sopInstanceUID"] for one in listed}

    # Each is marked as ours, so that none of them is taken for an image of a patient.
    for uid in stored:
        (found,) = (one["ID"] for one in orthanc.request("POST", "/tools/lookup", data=uid).json())
        assert orthanc.request("GET", f"/instances/{found}/metadata/{REPORT_METADATA}").ok

    ask(orthanc, "instances", image)
    assert made(orthanc, image).keys() == stored.keys()


def test_what_was_deleted_is_made_again(orthanc: Orthanc, image: str) -> None:
    ask(orthanc, "instances", image)
    stored = made(orthanc, image)
    for one in outcome(orthanc, image)["data"]["overlays"][:2]:
        (found,) = (hit["ID"] for hit in orthanc.request("POST", "/tools/lookup", data=one["sopInstanceUID"]).json())
        orthanc.request("DELETE", f"/instances/{found}").raise_for_status()
    orthanc.post(f"/ai/instances/{image}/analyze", {})
    orthanc.wait_idle()
    assert made(orthanc, image).keys() == stored.keys()


def test_they_go_with_the_demonstration(orthanc: Orthanc, image: str) -> None:
    ask(orthanc, "instances", image)
    while orthanc.request("DELETE", "/ai/demonstration").json()["remaining"]:
        pass
    assert made(orthanc, image) == {}


def test_each_image_gets_them_where_that_is_configured(
    make_server: Callable[..., Orthanc], film: pydicom.Dataset
) -> None:
    server = make_server({"XRay": {"Overlays": "always"}}).start()
    (identifier,) = server.upload([film])
    server.wait_idle()
    found = outcome(server, identifier)
    assert len(made(server, identifier)) == len(found["data"]["overlays"]) + 1
    assert found["data"]["ratio"]["code"] == "MEASURED"


def test_there_is_nothing_to_ask_for_without_an_xray(orthanc: Orthanc) -> None:
    assert orthanc.request("POST", "/ai/instances/nothing/overlays", json={}).status_code == 404
