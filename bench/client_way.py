"""The client way, which is what users have without the plugin: a script beside Orthanc that asks it for new images.

It follows what the documentation of its libraries shows: Orthanc's sample ``ChangesLoop.py`` reads `/changes`;
TorchXRayVision's README normalizes, crops, resizes and calls the model; highdicom's user guide builds a TID 1500 report.
It knows nothing of this project, checks nothing, and ends when it is killed.

``python3 client_way.py URL WEIGHTS [--load-each]``, where WEIGHTS is the folder that `bench.clients` has made.
"""

import argparse
import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom as hd
import pydicom
import requests
import torch
import torchvision
import torchxrayvision as xrv
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes

POLL_S = 0.1
"""Seconds before it asks again when there is nothing new; Orthanc's sample waits for a whole one."""

RADIOGRAPHS = ("1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1")
"""SOP Classes: CR, and DX for presentation."""

TRANSFORM = torchvision.transforms.Compose([xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)])


def load_model(folder: Path) -> Any:
    """The model, from its file, by TorchXRayVision's own code."""
    xrv.models.model_urls["phantom"] = json.loads((folder / "phantom.json").read_text())
    return xrv.models.DenseNet(weights="phantom", cache_dir=f"{folder}/")


def read_scores(model: Any, content: bytes) -> dict[str, float]:
    """Scores of a DICOM file by label."""
    image = xrv.utils.read_xray_dcm(BytesIO(content))  # normalized to -1024..1024
    tensor = torch.from_numpy(TRANSFORM(image[None, ...]))
    with torch.no_grad():
        outputs = model(tensor[None, ...])[0]
    return {label: float(score) for label, score in zip(model.pathologies, outputs, strict=True) if label}


def make_report(image: pydicom.Dataset, scores: dict[str, float]) -> bytes:
    """A TID 1500 report on an image, as a DICOM file."""
    context = hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
                uid=hd.UID(), name="TorchXRayVision", manufacturer_name="mlmed", model_name="DenseNet121"
            ),
        )
    )
    measurements = [
        hd.sr.Measurement(
            name=CodedConcept(value=f"XRV{k}", scheme_designator="99XRV", meaning=label),
            value=score,
            unit=codes.UCUM.NoUnits,
        )
        for k, (label, score) in enumerate(scores.items())
    ]
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=hd.UID(), identifier="Chest radiograph"),
        measurements=measurements,
        source_images=[hd.sr.SourceImageForMeasurementGroup.from_source_image(image)],
    )
    content = hd.sr.MeasurementReport(
        observation_context=context,
        procedure_reported=CodedConcept("399208008", "SCT", "Plain chest X-ray"),
        imaging_measurements=[group],
    )
    report = hd.sr.ComprehensiveSR(
        evidence=[image],
        content=content[0],
        series_number=100,
        series_instance_uid=hd.UID(),
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Example",
    )
    buffer = BytesIO()
    report.save_as(buffer)
    return buffer.getvalue()


def main() -> None:
    """Read every new radiograph, for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--load-each", action="store_true", help="load the model for each image")
    options = parser.parse_args()
    model = None if options.load_each else load_model(options.weights)
    session = requests.Session()
    print("ready", flush=True)
    since = 0
    while True:
        changes = session.get(f"{options.url}/changes", params={"since": since, "limit": 100}).json()
        since = changes["Last"]
        for change in changes["Changes"]:
            if change["ChangeType"] != "NewInstance":
                continue
            instance = f"{options.url}/instances/{change['ID']}"
            if session.get(f"{instance}/metadata/SopClassUid").text not in RADIOGRAPHS:
                continue
            content = session.get(f"{instance}/file").content
            if options.load_each:
                model = load_model(options.weights)
            report = make_report(pydicom.dcmread(BytesIO(content)), read_scores(model, content))
            session.post(f"{options.url}/instances", data=report).raise_for_status()
        if changes["Done"] and not changes["Changes"]:
            time.sleep(POLL_S)


if __name__ == "__main__":
    main()
