"""Draws the pictures of docs/catalog.md: the page over three hundred phantoms (``python3 -m tests.viewer.catalog_pictures``)."""

import base64
import io
import random
import tempfile
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By

from phantom.ct import ct_series

from .browser import Ohif
from .catalog import Film, films, stored
from .test_cardiac_page import scheme

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
FILMS = 300
WIDTH, HEIGHT = 1180, 1000
COLOURS = 160  # keeps the files small


def film(number: int, chance: random.Random) -> Film:
    """A film as a hospital might make it, in three years with more and more of them."""
    patient = chance.randrange(1 + number * 2 // 3)
    by_patient = random.Random(patient)
    month = int(36 * chance.random() ** 0.6)
    date = f"{2022 + month // 12}{month % 12 + 1:02d}{chance.randint(1, 28):02d}"
    return Film(
        patient=f"P{patient:03d}",
        date="" if chance.random() < 0.01 else date,
        sex=by_patient.choices(["F", "M", "O", ""], [50, 50, 1, 2])[0],
        age=f"{min(97, max(18, round(by_patient.gauss(58, 17)))):03d}Y",
        part=chance.choices(["CHEST", "HAND", "KNEE", ""], [90, 4, 3, 3])[0],
        modality=chance.choices(["DX", "CR"], [70, 30])[0],
    )


def main() -> None:
    """Write both pictures."""
    chance = random.Random(7)
    images = films([film(number, chance) for number in range(FILMS)])
    images += [*ct_series("localizer"), *ct_series("ccta", slices=24), *ct_series("calcium_score", slices=12)]
    with tempfile.TemporaryDirectory() as folder:
        orthanc = stored(Path(folder), images)
        try:
            with Ohif(orthanc.url) as browser:
                browser.driver.set_window_size(WIDTH, HEIGHT)
                for colours in ("light", "dark"):
                    scheme(browser, colours)
                    browser.driver.get(f"{orthanc.url}/ai/catalog")
                    browser.wait_for(
                        lambda: browser.driver.find_elements(By.CSS_SELECTOR, "html[data-drawn]"), "no chart is drawn"
                    )
                    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
                    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
                    small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
                    small.save(FOLDER / f"catalog-{colours}.png", optimize=True)
        finally:
            orthanc.stop()


if __name__ == "__main__":
    main()
