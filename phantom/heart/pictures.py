"""Draws the pictures of docs/phantom.md: slices of a heart phantom, and its coronary arteries from the front."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from phantom.heart.anatomy import AORTA
from phantom.heart.grid import Grid
from phantom.heart.heart import Heart, draw_heart
from phantom.heart.scan import WITHOUT_CONTRAST, Scan, render
from phantom.heart.truth import calcium_of
from phantom.heart.vessels import Plan, Vessel
from phantom.progress import progress

PICTURES = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures"
SEED = 11
PLANS = (
    Plan("LAD", 0.14, 0.6, 10),
    Plan("LAD", 0.62, 0.4, 8, density=600, angle=0.5),
    Plan("LCX", 0.45, 0.5, 9, density=800, angle=2.5),
    Plan("RCA", 0.3, 0.7, 11),
    Plan("RCA", 0.72, 0.3, 9, density=400, angle=4.0),
)
TILE, CAPTION, GREYS = 360, 20, 64
PIXEL_MM = 0.56
WINDOW = (200.0, 900.0)
"""Centre and width, HU: blood bright but not white, so that calcium stands out."""

COLOURS = {"LM": "#444", "LAD": "#c0392b", "LCX": "#2471a3", "RCA": "#1e8449", "D1": "#e59866", "OM1": "#7fb3d5"}
AORTA_TOP_MM = 24.0
LABEL_SHIFTS = {"OM1": -12, "D1": 12}


def slices(heart: Heart, file: Path) -> None:
    """Write the sheet: an axial and a coronal slice of the angiogram, an axial slice of the calcium scan."""
    centre = next(one.centre for one in calcium_of(heart) if one.place == "LCX")
    root = heart.vessels["LM"].points[-1]
    spacing = (PIXEL_MM, PIXEL_MM, PIXEL_MM)
    jobs = [
        ("Angiogram, axial, left main stem", Grid.about((5, 0, root[2]), (1, TILE, TILE), spacing), Scan()),
        ("Angiogram, coronal, aortic valve", Grid.about((5, -4, 0), (TILE, 1, TILE), spacing), Scan()),
        (
            "Calcium scan, axial, 3 mm",
            Grid.about((5, 0, centre[2]), (1, TILE, TILE), (3.0, *spacing[1:])),
            WITHOUT_CONTRAST,
        ),
    ]
    picture = Image.new("L", (len(jobs) * TILE, TILE + CAPTION), "black")
    draw = ImageDraw.Draw(picture)
    for number, (title, grid, scan) in enumerate(progress(jobs, len(jobs), "slices of the heart")):
        hu = render(heart, grid, scan).hu
        picture.paste(Image.fromarray(_windowed(hu[0] if len(hu) == 1 else hu[::-1, 0])), (number * TILE, CAPTION))
        draw.text((number * TILE + 6, 3), title, fill="white", font=ImageFont.load_default(13))
    picture.quantize(GREYS, dither=Image.Dither.NONE).save(file, optimize=True)


def _windowed(hu: NDArray[np.int16]) -> NDArray[np.uint8]:
    low = WINDOW[0] - WINDOW[1] / 2
    return np.clip((hu - low) / WINDOW[1] * 255, 0, 255).astype(np.uint8)


def tree_svg(heart: Heart) -> str:
    """The coronary arteries as an SVG picture, from the front: the patient's left is on the right."""
    scale, width, height = 5.0, 800, 540
    middle = np.array([6.0, -22.0])

    def on_paper(vessel: Vessel) -> NDArray[np.float64]:
        places: NDArray[np.float64] = (vessel.points[:, [0, 2]] - middle) * (scale, -scale) + (width / 2, height / 2)
        return places

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    low = AORTA.points[:, 2] < AORTA_TOP_MM
    axis, radii = AORTA.points[low][:, [0, 2]], AORTA.radii[low, None] * (1, 0)
    outline = np.concatenate([axis - radii, (axis + radii)[::-1]])
    corners = " ".join(f"{x:.0f},{y:.0f}" for x, y in (outline - middle) * (scale, -scale) + (width / 2, height / 2))
    parts.append(f'<polygon points="{corners}" fill="#f0f0f0"/>')
    # The arteries at the back first.
    for vessel in sorted(heart.vessels.values(), key=lambda one: -float(one.points[:, 1].mean())):
        places = on_paper(vessel)
        colour = COLOURS[vessel.name]
        for index in range(0, len(places) - 1, 2):
            (x1, y1), (x2, y2) = places[index], places[min(index + 2, len(places) - 1)]
            parts.append(
                f'<path d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}" stroke="{colour}" '
                f'stroke-width="{2 * scale * vessel.radii[index]:.1f}" stroke-linecap="round"/>'
            )
    for vessel in heart.vessels.values():
        places = on_paper(vessel)
        # The left main stem ends where others begin: its name stands above its middle.
        x, y = places[len(places) // 2] - (0, 42) if vessel.name == "LM" else places[-1]
        x += LABEL_SHIFTS.get(vessel.name, 0)
        parts.append(
            f'<text x="{x:.0f}" y="{y + 22:.0f}" text-anchor="middle" fill="{COLOURS[vessel.name]}" '
            f'font-weight="bold">{vessel.name}</text>'
        )
        for lesion in vessel.lesions:
            x, y = places[lesion.index]
            calcified = ", calcified" if lesion.calcification else ""
            left = vessel.name == "RCA"
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="15" fill="none" stroke="#888"/>')
            parts.append(
                f'<text x="{x + (-20 if left else 20):.0f}" y="{y + 4:.0f}" text-anchor="{"end" if left else "start"}">'
                f"{100 * lesion.plan.stenosis:.0f} %{calcified}</text>"
            )
    parts += [
        f'<path d="M30,{height - 30}h{20 * scale}" stroke="black" stroke-width="2"/>',
        f'<text x="{30 + 10 * scale}" y="{height - 12}" text-anchor="middle">20 mm</text>',
        f'<text x="{width - 20}" y="24" text-anchor="end" fill="#666">left of the patient</text>',
        '<text x="20" y="24" fill="#666">right</text>',
    ]
    return "\n".join([*parts, "</svg>", ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: writes both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=PICTURES)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    heart = draw_heart(SEED, PLANS)
    slices(heart, options.folder / "heart.png")
    (options.folder / "heart-vessels.svg").write_text(tree_svg(heart))


if __name__ == "__main__":
    main()
