"""From attenuation to pixel values: exposure, scatter, quanta, blur, detector and display."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from phantom.chest.body import Body, stream
from phantom.chest.geometry import Grid, Map, Mask

# Quanta that reach the detector per mm2 without a patient: 30,000 per mm2 and uGy (IEC 62220-1, RQA5) times the
# roughly 350 uGy in air of a chest exposure, times a detective quantum efficiency of 0.6.
QUANTA_PER_MM2 = 30_000 * 350 * 0.6
# Scatter behind a grid, as a share of the local mean of the primary radiation, and how far it spreads.
SCATTER_SPREAD_MM = 45.0
# Blur of the detector and focal spot (standard deviation).
BLUR_MM = 0.11
type NDArrayU16 = NDArray[np.uint16]
LARGEST = 4095  # 12 bits stored


@dataclass(frozen=True)
class Exposure:
    """How much radiation, how much scatter, and how the display turns it to grey.

    Attributes
    ----------
    dose : float
        Relative to a standard exposure.
    scatter : float
        Scattered over primary radiation.
    contrast : float
        Steepness of the display curve.
    compression : float
        Share of the large-scale density differences that image processing takes away.
    """

    dose: float
    scatter: float
    contrast: float
    compression: float


def draw_exposure(body: Body) -> Exposure:
    """The exposure of a body: poorer at the bedside."""
    g = stream(body.seed, "exposure")
    bedside = body.view == "AP"
    return Exposure(
        dose=float(g.uniform(0.5, 1.6) * (0.6 if bedside else 1.0)),
        scatter=float(g.uniform(0.5, 1.0) if bedside else g.uniform(0.2, 0.55)),
        contrast=float(g.uniform(0.85, 1.25)),
        compression=float(g.uniform(0.35, 0.7)),
    )


def _local_mean(image: Map, sigma_pixels: float) -> Map:
    """A wide Gaussian blur, computed on a coarse copy."""
    step = max(1, int(sigma_pixels / 4))
    rows, columns = image.shape
    r, c = np.arange(0, rows, step), np.arange(0, columns, step)
    coarse = np.add.reduceat(np.add.reduceat(image, r, axis=0), c, axis=1)
    counts = np.diff(np.append(r, rows))[:, None] * np.diff(np.append(c, columns))[None]
    coarse = gaussian_filter(coarse / counts.astype(np.float32), sigma_pixels / step, mode="nearest")
    return _enlarge(coarse, step, rows, columns)


def _enlarge(coarse: Map, step: int, rows: int, columns: int) -> Map:
    """Bilinear interpolation between the middles of `step`-wide cells."""

    def taps(size: int, cells: int) -> tuple[NDArray[np.int64], Map]:
        position = np.clip((np.arange(size, dtype=np.float32) + 0.5) / step - 0.5, 0, cells - 1)
        low = np.minimum(position.astype(np.int64), max(cells - 2, 0))
        return low, (position - low).astype(np.float32)

    low, share = taps(rows, coarse.shape[0])
    next_low = np.minimum(low + 1, coarse.shape[0] - 1)
    tall = coarse[low] + share[:, None] * (coarse[next_low] - coarse[low])
    low, share = taps(columns, coarse.shape[1])
    next_low = np.minimum(low + 1, coarse.shape[1] - 1)
    fine: Map = tall[:, low] + share * (tall[:, next_low] - tall[:, low])
    return fine


def expose(attenuation: Map, grid: Grid, exposure: Exposure, seed: int) -> Map:
    """The detector's signal: primary radiation, scatter, quantum noise and blur.

    Parameters
    ----------
    attenuation : array of shape (rows, columns)
        Line integral of the linear attenuation coefficient (dimensionless).

    Returns
    -------
    array of shape (rows, columns)
        Negative logarithm of the signal relative to the unattenuated beam: high where the body is dense.
    """
    primary = np.exp(-attenuation)
    total = primary + np.float32(exposure.scatter) * _local_mean(primary, SCATTER_SPREAD_MM / grid.pixel_mm)
    # A wide pixel already averages over its area; only blur that exceeds it is left to add.
    sigma = max(BLUR_MM / grid.pixel_mm, 0.45)
    total = gaussian_filter(total, sigma, truncate=3.0)
    quanta = np.float32(QUANTA_PER_MM2 * exposure.dose * grid.pixel_mm**2)
    counts = stream(seed, "quanta").poisson(total * quanta)
    signal: Map = -np.log(np.maximum(counts, 1).astype(np.float32) / quanta)
    return signal


def display(signal: Map, grid: Grid, exposure: Exposure, inside: Mask) -> NDArrayU16:
    """Pixel values for presentation: 12 bits, bright where the body is dense, as a workstation's film curve gives.

    Returns
    -------
    array of shape (rows, columns), uint16
        0 to 4095.
    """
    flat = signal - np.float32(exposure.compression) * _local_mean(signal, 30.0 / grid.pixel_mm)
    # What is seen of the unattenuated beam beside the body must not set the scale, nor what lies at the borders.
    step = max(1, min(grid.rows, grid.columns) // 128)
    part = (slice(grid.rows // 8, -grid.rows // 8, step), slice(grid.columns // 8, -grid.columns // 8, step))
    low, high = np.percentile(flat[part][inside[part]], (4, 96))
    steps = (flat - np.float32((low + high) / 2)) / np.float32(max(high - low, 1e-3))
    value = 1 / (1 + np.exp(-np.float32(4.0 * exposure.contrast) * steps))
    pixels: NDArrayU16 = np.clip(np.rint(value * LARGEST), 0, LARGEST).astype(np.uint16)
    return pixels
