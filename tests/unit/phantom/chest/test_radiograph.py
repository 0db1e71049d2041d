"""The truth is where the image shows it."""

import numpy as np
import pytest

from phantom.chest import draw_chest, render
from phantom.chest.findings import PREVALENCE
from phantom.chest.lungs import LEFT
from phantom.chest.radiograph import Radiograph

SIZE = 256
SEEDS = (11, 12, 13, 14)


def film(seed: int, *findings: str, size: int = SIZE) -> Radiograph:
    return render(draw_chest(seed, findings), size, size)


@pytest.fixture(scope="module")
def healthy() -> dict[int, Radiograph]:
    return {seed: film(seed) for seed in SEEDS}


def test_same_seed_same_pixels() -> None:
    first, second = render(draw_chest(7), 128, 160), render(draw_chest(7), 128, 160)
    assert first.pixels.shape == (128, 160)
    assert np.array_equal(first.pixels, second.pixels)


def test_pixels_use_twelve_bits(healthy: dict[int, Radiograph]) -> None:
    for radiograph in healthy.values():
        assert radiograph.pixels.dtype == np.uint16
        assert radiograph.pixels.max() <= 4095
        assert np.ptp(radiograph.pixels) > 2500


def test_lungs_are_darker_than_heart_and_belly(healthy: dict[int, Radiograph]) -> None:
    for radiograph in healthy.values():
        truth, pixels = radiograph.truth, radiograph.pixels
        lungs = (truth.right_lung | truth.left_lung) & ~truth.heart
        assert pixels[lungs].mean() + 600 < pixels[truth.heart].mean()


def test_anatomy_does_not_depend_on_the_resolution() -> None:
    coarse, fine = film(21, "Mass", size=128), film(21, "Mass", size=384)
    shrunk = fine.pixels.reshape(128, 3, 128, 3).mean(axis=(1, 3))
    assert np.corrcoef(coarse.pixels.ravel(), shrunk.ravel())[0, 1] > 0.99
    place, larger = coarse.truth.places["Mass"], fine.truth.places["Mass"]
    assert larger.radius == pytest.approx(3 * place.radius)
    assert larger.row + 0.5 == pytest.approx(3 * (place.row + 0.5))


@pytest.mark.parametrize("label", ["Nodule", "Mass", "Consolidation"])
def test_lesion_is_bright_at_its_place_and_nowhere_else(label: str, healthy: dict[int, Radiograph]) -> None:
    for seed in SEEDS:
        radiograph = film(seed, label)
        place = radiograph.truth.places[label]
        added = radiograph.attenuation - healthy[seed].attenuation
        rows, columns = np.indices(added.shape)
        distance = np.hypot(rows - place.row, columns - place.column)
        assert added[distance < 0.5 * place.radius].mean() > 0.04
        assert np.abs(added[distance > 2.5 * place.radius + 2]).max() < 1e-3
        peak = np.average(np.argwhere(added > added.max() / 2), axis=0)
        assert np.hypot(*(peak - (place.row, place.column))) < place.radius + 1


def test_larger_grade_larger_shadow() -> None:
    small, large = (render(draw_chest(31, {"Mass": grade}), SIZE, SIZE) for grade in (0.1, 0.9))
    assert small.truth.places["Mass"].mask.sum() < 0.6 * large.truth.places["Mass"].mask.sum()


@pytest.mark.parametrize(("findings", "enlarged"), [((), False), (("Cardiomegaly",), True)])
def test_cardiothoracic_ratio_can_be_measured_in_the_masks(findings: tuple[str, ...], enlarged: bool) -> None:
    for seed in SEEDS:
        truth = film(seed, *findings).truth
        columns = np.flatnonzero(truth.heart.any(axis=0))
        lungs = truth.right_lung | truth.left_lung
        widths = [np.ptp(np.flatnonzero(row)) + 1 for row in lungs if row.any()]
        measured = (np.ptp(columns) + 1) / max(widths)
        assert measured == pytest.approx(truth.cardiothoracic_ratio, abs=0.035)
        assert (truth.cardiothoracic_ratio > 0.5) is enlarged
        assert truth.heart_width_mm / truth.thorax_width_mm == pytest.approx(truth.cardiothoracic_ratio, abs=0.001)


def test_effusion_whitens_the_base_of_its_side_alone(healthy: dict[int, Radiograph]) -> None:
    for seed in SEEDS:
        radiograph = film(seed, "Effusion")
        place = radiograph.truth.places["Effusion"]
        added = radiograph.attenuation - healthy[seed].attenuation
        assert added[place.mask].mean() > 0.1
        assert np.abs(added[~place.mask]).max() < 0.1
        own, other = radiograph.truth.right_lung, radiograph.truth.left_lung
        if place.finding.side == LEFT:
            own, other = other, own
        assert not (place.mask & other).any()
        assert place.mask[own].any()
        assert np.argwhere(place.mask)[:, 0].mean() > np.argwhere(own)[:, 0].mean()


def test_pneumothorax_is_darker_than_lung_and_has_no_vessels(healthy: dict[int, Radiograph]) -> None:
    for seed in SEEDS:
        radiograph = film(seed, "Pneumothorax")
        place = radiograph.truth.places["Pneumothorax"]
        change = radiograph.attenuation - healthy[seed].attenuation
        assert change[place.mask].mean() < -0.02
        columns = np.argwhere(place.mask)[:, 1]
        middle = radiograph.pixels.shape[1] / 2
        assert (columns.mean() > middle) == (place.finding.side == LEFT)


def test_emphysema_and_edema_change_the_lungs_density_in_opposite_ways(healthy: dict[int, Radiograph]) -> None:
    for seed in SEEDS:
        lungs = healthy[seed].truth.right_lung & ~healthy[seed].truth.heart
        thin = film(seed, "Emphysema").attenuation - healthy[seed].attenuation
        wet = film(seed, "Edema").attenuation - healthy[seed].attenuation
        assert np.median(thin[lungs]) < 0 < np.mean(wet[lungs])


@pytest.mark.parametrize("label", sorted(PREVALENCE))
def test_every_finding_shows_within_its_mask(label: str, healthy: dict[int, Radiograph]) -> None:
    radiograph = film(SEEDS[0], label)
    place = radiograph.truth.places[label]
    change = np.abs(radiograph.attenuation - healthy[SEEDS[0]].attenuation)
    assert place.mask.any()
    assert change[place.mask].mean() > 2 * change[~place.mask].mean()


def test_truth_names_derived_labels_too() -> None:
    assert film(1, "Mass").truth.labels == {"Mass", "Lung Lesion", "Lung Opacity"}
