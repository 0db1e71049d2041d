"""Lungs and heart outlined by TorchXRayVision's segmentation network (ChestX-Det PSPNet)."""

import hashlib

import numpy as np
import numpy.typing as npt
import onnxruntime
from scipy import ndimage  # type: ignore[import-untyped]

from ..codes import Code
from ..models.errors import ModelError
from ..models.prepared import Prepared
from ..models.segmentation_card import STRUCTURES, SegmentationCard
from ..xray.activation import crop_box
from ..xray.resize import center_crop, resize
from .grid import Gray
from .ratio import Mask, Outlines, Ratio
from .widths import ratio_of

_WHITE = 1024.0
_HALF = 0.5
"""Probability from which on a pixel belongs to a structure."""

# The network's last map has an eighth of its input's pixels along each side, and is enlarged from there. So a border is known
# to a cell of eight at best: the standard deviation of an even distribution, for each of the two borders of a width. How far
# the network errs beyond that is not known here, for want of its weights.
_CELL = 8
_BORDER_ERROR = _CELL / 12**0.5


def segmentation_step(rows: int, columns: int, size: int) -> int:
    """How many pixels of an image make one cell of what `Segmenter` takes: as fine as the network can use."""
    return max(1, min(rows, columns) // size)


class Segmenter:
    """The exported network. Not shared between threads.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``.
    """

    def __init__(self, prepared: Prepared[SegmentationCard], threads: int = 1) -> None:
        # What is checked is what is loaded: the file is read once.
        content = prepared.onnx.read_bytes()
        if hashlib.sha256(content).hexdigest() != prepared.onnx_digest:
            raise ModelError(Code.MODEL_TAMPERED, f"{prepared.onnx} is not the file that was exported")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._size = prepared.card.input_size
        self._method = f"{prepared.card.title} {prepared.weights_digest[:16]}"

    def outlines(self, image: Gray, step: int) -> Outlines:
        """Outline lungs and heart.

        Parameters
        ----------
        image, step
            As `classical.measure` takes them; see `segmentation_step`.

        Returns
        -------
        Of the middle square, which is what the network sees; each structure is the largest coherent piece of what the
        network takes for it, and empty if there is none. Of the two lungs the right one is that further to the left, since
        the names of data sets are not agreed on whose left they mean.
        """
        square = center_crop(image)
        tensor = resize(square, self._size, slope=2 * _WHITE, offset=-_WHITE)
        (found,) = self._session.run(["probabilities"], {"image": tensor[None, None]})
        masks = dict(zip(STRUCTURES, (_whole(each, image.shape) for each in found[0]), strict=True))
        first, second = masks["Right Lung"], masks["Left Lung"]
        if first.any() and second.any() and _middle(first) > _middle(second):
            first, second = second, first
        return Outlines(first, second, masks["Heart"], step)

    def measure(self, image: Gray, step: int) -> Ratio:
        """Measure the cardiothoracic ratio, see `classical.measure`.

        Raises
        ------
        RatioError
            ``RATIO_LUNGS_NOT_FOUND`` or ``RATIO_HEART_BORDER_UNCLEAR``.
        """
        pixel = min(image.shape) * step / self._size
        error = 2**0.5 * _BORDER_ERROR * pixel
        return ratio_of(self.outlines(image, step), heart_error=error, thorax_error=error, method=self._method)


def _whole(probabilities: npt.NDArray[np.float32], shape: tuple[int, ...]) -> Mask:
    """The largest piece of a structure, in the cells of the whole image."""
    rows, columns = shape
    box = crop_box(rows, columns)
    side = box.width
    mask = np.zeros((rows, columns), np.bool_)
    # At the middle of each cell of the square, in pixels of the network from the middle of its first.
    at = (np.arange(side) + 0.5) * (len(probabilities) / side) - 0.5
    inside = (
        ndimage.map_coordinates(probabilities, np.meshgrid(at, at, indexing="ij"), order=1, mode="nearest") >= _HALF
    )
    mask[box.top : box.top + side, box.left : box.left + side] = _largest(inside)
    return mask


def _largest(mask: Mask) -> Mask:
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def _middle(mask: Mask) -> float:
    return float(np.nonzero(mask)[1].mean())
