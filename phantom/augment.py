"""Augmentation: every pass over the training set shows each phantom turned, moved and windowed differently."""

import torch
from torch.nn import functional

from phantom.dataset import SIZE
from phantom.network import INPUT_RANGE


def augment(
    images: torch.Tensor, masks: torch.Tensor, size: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Turns, moves, scales and re-windows images, and moves their maps along.

    Parameters
    ----------
    images : uint8 tensor of shape (n, SIZE, SIZE)
    masks : bool tensor of shape (n, findings, k, k)
    size : int
        Size of the images that come out.

    Returns
    -------
    tensors of shape (n, 1, size, size), (n, findings, size / 8, size / 8), (n, findings, size / 16, size / 16)
        Images in the network's range; maps between 0 and 1.
    """
    n = len(images)

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(n, generator=generator) * (high - low) + low

    angle, zoom = uniform(-0.09, 0.09), uniform(0.92, 1.09)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = torch.cos(angle) * zoom
    theta[:, 0, 1], theta[:, 1, 0] = -torch.sin(angle) * zoom, torch.sin(angle) * zoom
    theta[:, 0, 2], theta[:, 1, 2] = uniform(-0.07, 0.07), uniform(-0.07, 0.07)
    grid = functional.affine_grid(theta, [n, 1, SIZE, SIZE], align_corners=False)
    picture = images[:, None].float() / 255
    picture = functional.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=False)
    picture = functional.interpolate(picture, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    fine = size // 8
    grid = functional.affine_grid(theta, [n, 1, 2 * fine, 2 * fine], align_corners=False)
    maps = functional.grid_sample(masks.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    maps = functional.max_pool2d(maps, 2)
    # Other windows and film curves than the phantom's own, and noise.
    gamma, gain, shift = torch.exp(uniform(-0.35, 0.35)), torch.exp(uniform(-0.25, 0.25)), uniform(-0.08, 0.08)
    picture = picture.clamp(0, 1) ** gamma[:, None, None, None]
    picture = (picture - 0.5) * gain[:, None, None, None] + 0.5 + shift[:, None, None, None]
    noise = torch.randn(picture.shape, generator=generator) * (uniform(0, 1) ** 2 * 0.03)[:, None, None, None]
    picture = (picture + noise).clamp(0, 1)
    return (picture * 2 - 1) * INPUT_RANGE, (maps > 0.3).float(), functional.max_pool2d((maps > 0.3).float(), 2)
