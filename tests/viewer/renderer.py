"""Drives cornerstone3D, the renderer inside OHIF, in the page that users look at, and reads back what it draws."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from .browser import Ohif

AT_A_TIME = 16
"""Images drawn in one call: what comes back passes through the browser's driver as text."""

SCRIPT_TIMEOUT_S = 120


class Renderer(StrEnum):
    """The two renderers of cornerstone3D; OHIF takes the first that the browser can run."""

    CPU = "CPU"
    GPU = "GPU"


@dataclass(frozen=True)
class Drawing:
    """What a renderer made of an image.

    Attributes
    ----------
    gray : numpy.ndarray
        Rows by columns, uint8.
    error : str
        What the renderer complained of; nothing if it did not.
    """

    gray: NDArray[np.uint8]
    error: str


class VoiLut(TypedDict):
    """A VOI LUT as the renderer takes it."""

    id: str
    firstValueMapped: int
    numBitsPerEntry: int
    lut: list[int]


def over_dicomweb(study: str, series: str, image: str, frame: int = 1) -> str:
    """What OHIF calls an image that it gets over DICOMweb, with the metadata that it reads itself."""
    return f"wadors:/dicom-web/studies/{study}/series/{series}/instances/{image}/frames/{frame}"


# One viewport of the image's own size, not shown in OHIF's page but drawn as there: same loader, same metadata.
_DRAW = """
const [ids, onCpu, tables, done] = arguments;
const {
  cache, Enums, eventTarget, getRenderingEngines, imageLoader, metaData, RenderingEngine, setUseCPURendering
} = window.cornerstone;
const text = bytes => {
  let all = '';
  for (let at = 0; at < bytes.length; at += 32768) all += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(all);
};
const handOver = (type, id) => type === 'voiLutModule' && tables[id] ? {voiLUTSequence: [tables[id]]} : undefined;
const errors = [];
const failed = event => {
  for (const one of [event.detail].flat()) if (one.reason) errors.push(String(one.reason));
};
const draw = async (engine, id) => {
  const host = document.createElement('div');
  errors.length = 0;
  try {
    const image = await imageLoader.loadAndCacheImage(id);
    Object.assign(host.style, {position: 'absolute', left: 0, top: 0, width: `${image.width}px`,
                               height: `${image.height}px`});
    document.body.appendChild(host);
    engine.enableElement({viewportId: 'equality', element: host, type: Enums.ViewportType.STACK});
    const viewport = engine.getViewport('equality');
    await viewport.setStack([id]);
    // After what the set-up draws by itself: one more picture, whose pixels are not interpolated.
    await new Promise(requestAnimationFrame);
    const drawn = new Promise(
      resolve => host.addEventListener(Enums.Events.IMAGE_RENDERED, resolve, {once: true}));
    viewport.setProperties({interpolationType: Enums.InterpolationType.NEAREST});
    viewport.render();
    await drawn;
    const canvas = viewport.getCanvas();
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const gray = new Uint8Array(data.length / 4);
    let colour = 0;
    for (let i = 0; i < gray.length; i++) {
      gray[i] = data[4 * i];
      colour += data[4 * i + 1] !== gray[i] || data[4 * i + 2] !== gray[i];
    }
    return {size: [canvas.height, canvas.width], wanted: [image.height, image.width], colour, gray: text(gray),
            errors: [...errors]};
  } finally {
    engine.disableElement('equality');
    host.remove();
    cache.purgeCache();
  }
};
(async () => {
  // OHIF's own viewports cannot be switched from one renderer to the other while they show something.
  for (const engine of getRenderingEngines()) engine.destroy();
  setUseCPURendering(onCpu);
  const engine = new RenderingEngine('equality');
  // Before those of OHIF, whose priorities end at 10,000.
  metaData.addProvider(handOver, 20000);
  eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_ERROR, failed);
  try {
    const drawings = [];
    for (const id of ids) drawings.push(await draw(engine, id));
    return drawings;
  } finally {
    eventTarget.removeEventListener(Enums.Events.IMAGE_LOAD_ERROR, failed);
    metaData.removeProvider(handOver);
    engine.destroy();
  }
})().then(done, error => done(`${error} ${error.stack}`));
"""

_KNOWN = "return arguments[0].every(id => window.cornerstone.metaData.get('imagePixelModule', id))"


class Page:
    """OHIF with studies open in it.

    Parameters
    ----------
    ohif
        The browser.
    studies
        Study Instance UIDs; OHIF knows the images of these.
    images
        Names of images over DICOMweb that must be known before the first is drawn.
    """

    def __init__(self, ohif: Ohif, studies: Sequence[str], images: Sequence[str]) -> None:
        self._driver = ohif.driver
        self._driver.set_script_timeout(SCRIPT_TIMEOUT_S)
        ohif.open("/ohif/viewer?" + "&".join(f"StudyInstanceUIDs={study}" for study in studies))
        ohif.wait_for(lambda: self._driver.execute_script("return !!window.cornerstone") or None, "no renderer")
        ohif.wait_for(
            lambda: self._driver.execute_script(_KNOWN, list(images)) or None, "OHIF does not know the images"
        )
        self._driver.execute_script("document.getElementById('root').style.display = 'none'")

    def draw(
        self, images: Sequence[str], renderer: Renderer, tables: Mapping[str, VoiLut] | None = None
    ) -> Iterator[Drawing]:
        """Draw images, each at its own size, without interpolation, as it is first shown.

        Parameters
        ----------
        images
            Names, as `over_dicomweb` and `over_file` make them.
        renderer
            Which one draws.
        tables
            VOI LUTs by the names of their images, handed to the renderer in its own form: OHIF keeps them from it.

        Yields
        ------
        Drawing
            One for each image, in their order.

        Raises
        ------
        AssertionError
            If it cannot be drawn at its own size, or not in gray.
        """
        for start in range(0, len(images), AT_A_TIME):
            some = list(images[start : start + AT_A_TIME])
            answer: Any = self._driver.execute_async_script(_DRAW, some, renderer is Renderer.CPU, tables or {})
            assert isinstance(answer, list), f"{renderer}: {answer}"
            for one in answer:
                assert one["size"] == one["wanted"], f"drawn {one['size']}, the image has {one['wanted']}"
                assert not one["colour"], f"{one['colour']} pixels are not gray"
                gray = np.frombuffer(base64.b64decode(one["gray"]), np.uint8).reshape(one["size"])
                yield Drawing(gray, "; ".join(one["errors"]))
