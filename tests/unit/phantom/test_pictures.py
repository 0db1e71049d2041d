"""The pictures of the documentation."""

import xml.etree.ElementTree as ET

import numpy as np

from phantom.chest import draw_chest, render
from phantom.pictures import CAPTION, RENDER_SIZE, SHEET_GRADE, TILE, frame, roc_svg, tile


def test_tile_frames_the_finding_where_it_is() -> None:
    picture = np.asarray(tile("Mass", 5))
    assert picture.shape == (TILE + CAPTION, TILE, 3)
    coloured = np.argwhere(picture[..., 0].astype(int) - picture[..., 2] > 100)
    place = render(draw_chest(5, {"Mass": SHEET_GRADE}), RENDER_SIZE, RENDER_SIZE, 390.0).truth.places["Mass"]
    middle = (coloured.min(axis=0) + coloured.max(axis=0)) / 2
    expected = np.array([place.row, place.column]) * TILE / RENDER_SIZE + (CAPTION, 0)
    assert np.abs(middle - expected).max() < 8
    assert frame(place)[0] < frame(place)[2]


def test_healthy_tile_has_no_frame() -> None:
    picture = np.asarray(tile(None, 5))[CAPTION:]
    assert np.ptp(picture, axis=2).max() == 0


def test_roc_picture_names_every_finding_best_first() -> None:
    curve = [[0.0, 0.1, 1.0], [0.0, 0.8, 1.0]]
    svg = ET.fromstring(roc_svg({"Mass": curve, "Nodule": curve}, {"Mass": {"auc": 0.9}, "Nodule": {"auc": 0.95}}))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[-2:] == ["Nodule: 0.950", "Mass: 0.900"]
