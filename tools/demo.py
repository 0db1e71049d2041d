"""Shows the running server at work: sends radiographs by C-STORE, waits for their reports, prints the findings.

Usage: ``python3 -m tools.demo [--http-port N] [--dicom-port N] [FOLDER]``, from ``make demo``. Without a folder of DICOM
files it computes digital chest phantoms, each with one known finding.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from phantom.dicom import chest_dx
from tools.client import Client, ProblemError, ServerError

CALLING_AET = "ORTHANC_AI_DEMO"
"""Known to the server by orthanc.json, for senders on this machine."""

PHANTOMS = (None, "Cardiomegaly", "Effusion", "Pneumothorax", "Consolidation", "Nodule")
FIRST_SEED = 4_000_000
"""Phantoms that the demonstration model was neither trained nor tested on."""

ROWS, COLUMNS = 1250, 1024
"""A quarter of a detector's pixels: they take a second to compute instead of five."""

PATIENCE = 120.0
"""Seconds without any new outcome after which waiting ends. Computing one takes about a second."""

SUCCESS = 0x0000
"""Status of a C-STORE that succeeded (DICOM PS3.7 annex C)."""


class DemoError(Exception):
    """The demonstration cannot go on. The message can be shown to users."""


@dataclass(frozen=True)
class Image:
    """A radiograph that was sent."""

    name: str
    sop_instance_uid: str
    study_instance_uid: str


def phantoms() -> Iterator[tuple[str, pydicom.Dataset]]:
    """Chest phantoms, each with its name."""
    for number, finding in enumerate(PHANTOMS):
        known = [finding] if finding else []
        yield f"phantom with {finding or 'no finding'}", chest_dx(FIRST_SEED + number, ROWS, COLUMNS, known)


def files(folder: Path) -> Iterator[tuple[str, pydicom.Dataset]]:
    """The DICOM files of a folder and those below it, each with its name."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            dataset = pydicom.dcmread(path)
        except (InvalidDicomError, OSError):
            continue
        if "SOPClassUID" in dataset and "StudyInstanceUID" in dataset:
            yield str(path.relative_to(folder)), dataset


def associate(dataset: pydicom.Dataset, port: int) -> Association:
    """Open an association for the dataset's SOP class in the encoding that it has.

    Raises
    ------
    DemoError
        If the server refuses, or there is none.
    """
    entity = AE(ae_title=CALLING_AET)
    context = build_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, contexts=[context], ae_title="ORTHANC")
    if not association.is_established:
        raise DemoError(f"The server refuses C-STORE from {CALLING_AET} at port {port}.")
    return association


def send(name: str, dataset: pydicom.Dataset, port: int) -> Image:
    """Send one image by C-STORE.

    Raises
    ------
    DemoError
        If the server does not take it.
    """
    association = associate(dataset, port)
    try:
        status = association.send_c_store(dataset)
    finally:
        association.release()
    if "Status" not in status or status.Status != SUCCESS:
        raise DemoError(f"{name}: the server did not store it ({status.get('Status', 'no answer')}).")
    return Image(name, str(dataset.SOPInstanceUID), str(dataset.StudyInstanceUID))


def was_forgotten(client: Client, dataset: pydicom.Dataset) -> bool:
    """Whether the server has the image, but no report: to be sent again is then no news to it (see ``make forget-demo``)."""
    try:
        return bool(client.get(f"/ai/instances/{dataset.SOPInstanceUID}/findings")["code"] == "NOT_ANALYZED_YET")
    except ProblemError:
        return False


def outcome(client: Client, image: Image) -> dict[str, Any] | None:
    """What became of an image, as ``/ai/instances/{id}/findings`` says; ``None`` if that is not known yet."""
    try:
        answer: dict[str, Any] = client.get(f"/ai/instances/{image.sop_instance_uid}/findings")
    except ProblemError as problem:
        if problem.code == "NOT_AN_XRAY":
            return {"code": problem.code, "sentence": "No X-ray; finished CT studies are judged as a whole."}
        raise
    return answer if answer["settled"] or answer["code"] == "HELD" else None


def wait(client: Client, images: list[Image]) -> dict[Image, dict[str, Any]]:
    """Wait for the outcomes of the images, with progress; those that do not come are left out."""
    done: dict[Image, dict[str, Any]] = {}
    started = last = time.monotonic()
    while len(done) < len(images) and time.monotonic() - last < PATIENCE:
        for image in images:
            if image not in done and (found := outcome(client, image)):
                done[image] = found
                last = time.monotonic()
        progress(f"{len(done)} of {len(images)} read, {time.monotonic() - started:.1f} s")
        time.sleep(0.2)
    print()
    return done


def progress(text: str) -> None:
    """Show where we are, in one line where that is a terminal's."""
    print(f"\r{text}  " if sys.stdout.isatty() else f"{text}\n", end="", flush=True)


def show(base: str, image: Image, found: dict[str, Any] | None) -> None:
    """Print one image's findings and where to look at them."""
    print(f"\n{image.name}")
    if found is None:
        print("  no answer yet; see /ai/status")
        return
    findings = found.get("findings") or []
    if not findings:
        print(f"  {found['code']}: {found['sentence']} {found.get('detail') or ''}")
    for finding in sorted(findings, key=lambda finding: -float(finding["score"])):
        presence = finding["presence"] or ("at or above it" if finding["score"] >= finding["threshold"] else "")
        print(
            f"  {finding['label']:<28} {finding['score']:7.1%}   threshold {finding['threshold']:6.1%}   {presence}".rstrip()
        )
    if found.get("warning"):
        print(f"  {found['warning']}")
    print(f"  page    {base}/ai/studies/{image.study_instance_uid}")
    print(f"  viewer  {base}/ohif/viewer?StudyInstanceUIDs={image.study_instance_uid}")


def main() -> int:
    """Run the demonstration; return the exit status."""
    parser = argparse.ArgumentParser(description="Sends radiographs to the running server and prints its findings.")
    parser.add_argument("--http-port", type=int, default=8042)
    parser.add_argument("--dicom-port", type=int, default=4242)
    parser.add_argument("folder", nargs="?", type=Path, help="DICOM files to send instead of phantoms")
    options = parser.parse_args()
    client = Client(f"http://127.0.0.1:{options.http_port}")
    try:
        client.get("/ai/status")
        images: list[Image] = []
        for name, dataset in files(options.folder) if options.folder else phantoms():
            forgotten = was_forgotten(client, dataset)
            try:
                images.append(send(name, dataset, options.dicom_port))
            except DemoError as error:
                print(error, file=sys.stderr)
            else:
                print(f"sent {len(images)}: {name}", flush=True)
                if forgotten:
                    client.post(f"/ai/instances/{dataset.SOPInstanceUID}/analyze", b"")
        if not images:
            raise DemoError("Nothing was sent.")
        outcomes = wait(client, images)
    except ServerError as error:
        print(f"{error}\nStart the server first, in another shell: make run", file=sys.stderr)
        return 1
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    for image in images:
        show(client.base, image, outcomes.get(image))
    return 0 if len(outcomes) == len(images) else 1


if __name__ == "__main__":
    sys.exit(main())
