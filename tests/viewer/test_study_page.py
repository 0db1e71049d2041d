"""The page of a study in a real browser: what is new appears, places are where they are, readers have their say."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_core_python.selenium import Axe
from PIL import Image
from pydicom import Dataset
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import XRAY_METADATA
from orthanc_ai.xray.activation import crop_box, upsample
from phantom.dicom import Encoding, chest_dx, phantom_uid
from tests.live.orthanc import Orthanc

from .browser import Ohif
from .test_cardiac_page import picture, scheme

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"

ROWS, COLUMNS = 640, 512
STUDY, PRIOR = "2.25.770055", "2.25.770054"

BOX = crop_box(ROWS, COLUMNS)
SIDE = 7
HEART = (180.5, 400.5), (330.5, 400.5)
THORAX = (100.5, 440.5), (393.5, 440.5)

STROKE = 1.5
"""Pixels of the screen by which the edge of a drawn line may lie beside it: half of its width, and the grid of the screen."""


def film(seed: int, study: str, *, monochrome1: bool = False) -> Dataset:
    return chest_dx(
        seed,
        ROWS,
        COLUMNS,
        ["Nodule", "Cardiomegaly"],
        encoding=Encoding(monochrome1=monochrome1),
        PatientID="PHANTOM-READER",
        StudyInstanceUID=study,
        PatientBirthDate="19700101",
        PatientSex="F",
        ViewPosition="PA",
        StudyDate="20230102" if study == PRIOR else "20240203",
        StudyDescription="Chest <b>phantom</b>",
        SeriesInstanceUID=phantom_uid(study, seed),
        SOPInstanceUID=phantom_uid(study, seed, monochrome1),
    )


def grid(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A map of its own for each finding: one cell stands out, its neighbours less."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distance = (rows - (1 + number % 5)) ** 2 + (columns - (5 - number % 4)) ** 2
    cells: np.ndarray[Any, np.dtype[np.uint8]] = np.rint(255 * np.exp(-distance / 2)).astype(np.uint8)
    return cells


def written(server: Orthanc, image: str) -> dict[str, Any]:
    """An outcome of known places, in place of what the model made of the phantom."""
    outcome = server.outcome("instances", image, XRAY_METADATA)
    assert outcome is not None
    data = outcome["data"]
    for number, one in enumerate(data["findings"]):
        one["score"] = round(0.9 - 0.05 * number, 2) if number < 4 else 0.01
        one.pop("activation", None)
        if one["score"] >= one["threshold"]:
            one["activation"] = base64.b64encode(grid(number).tobytes()).decode()
    data |= {
        "weights": "0123456789abcdef",
        "box": [BOX.left, BOX.top, BOX.width, BOX.height],
        "size": [ROWS, COLUMNS],
        "ratio": {
            "code": "MEASURED",
            "value": 0.512,
            "uncertainty": 0.011,
            "heart": HEART,
            "thorax": THORAX,
            "spacing": [0.67, 0.67],
            "method": "classical 1",
        },
        "prior": {
            "image": str(film(3, PRIOR).SOPInstanceUID),
            "report": "2.25.1",
            "date": "20230102",
            "scores": {one["label"]: 0.3 for one in data["findings"]},
        },
    }
    data.pop("overlays", None)
    put(server, image, outcome)
    return dict(data)


def put(server: Orthanc, image: str, outcome: dict[str, Any]) -> None:
    assert server.request("PUT", f"/instances/{image}/metadata/{XRAY_METADATA}", data=json.dumps(outcome)).ok


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    orthanc = Orthanc(tmp_path_factory.mktemp("study")).start()
    orthanc.upload([film(3, PRIOR), film(4, STUDY)])
    orthanc.wait_idle()
    yield orthanc
    orthanc.stop()


@pytest.fixture(scope="module")
def image(server: Orthanc) -> str:
    """Orthanc identifier of the film whose places are known."""
    [found] = server.find("Instance", {"SOPInstanceUID": str(film(4, STUDY).SOPInstanceUID)})
    written(server, found["ID"])
    return str(found["ID"])


@pytest.fixture(scope="module")
def browser(server: Orthanc) -> Iterator[Ohif]:
    with Ohif(server.url) as ohif:
        yield ohif


@pytest.fixture
def page(server: Orthanc, image: str, browser: Ohif) -> Ohif:
    """The page, in light colours."""
    scheme(browser, "light")
    browser.errors()  # of the page before
    browser.driver.get(f"{server.url}/ai/studies/{STUDY}")
    browser.wait_for(lambda: shown(browser).startswith("Point at"), "the script does not run")
    return browser


def all_of(page: Ohif, selector: str) -> list[WebElement]:
    return page.driver.find_elements(By.CSS_SELECTOR, selector)


def shown(page: Ohif) -> str:
    return all_of(page, ".shown")[0].text


def press(page: Ohif, *keys: str) -> WebElement:
    """Press keys where the focus is; where it is afterwards."""
    for key in keys:
        page.driver.switch_to.active_element.send_keys(key)
    return page.driver.switch_to.active_element


def to_findings(page: Ohif) -> WebElement:
    """By keyboard alone: the first finding."""
    page.driver.execute_script("document.querySelector('.skip').focus()")
    press(page, Keys.ENTER)
    found = press(page, Keys.TAB)
    while "name" not in str(found.get_attribute("class")).split():
        found = press(page, Keys.TAB)
    return found


def heat(page: Ohif) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pixels of the canvas over the image, RGBA."""
    width, height, text = page.driver.execute_script(
        """const canvas = document.querySelector("canvas.heat");
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let text = "";
        for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
        return [canvas.width, canvas.height, btoa(text)];"""
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def test_a_heat_map_lies_where_its_cells_are(page: Ohif, server: Orthanc, image: str) -> None:
    labels = [one["label"] for one in server.get(f"/ai/studies/{STUDY}")["images"][0]["findings"]]
    numbers = {one["label"]: n for n, one in enumerate(written(server, image)["findings"])}
    assert not heat(page)[..., 3].any()
    assert to_findings(page).text.startswith(labels[0].split()[0])
    for label in labels[:2]:
        assert shown(page).startswith("Heat map: ")
        expected = upsample(grid(numbers[label]).astype(np.float32), BOX, ROWS, COLUMNS)
        alpha = heat(page)[..., 3]
        assert alpha.shape == (ROWS, COLUMNS)
        # As opaque as it is strong; the frame around what the model saw is drawn over it.
        inside = np.zeros((ROWS, COLUMNS), bool)
        inside[BOX.top + 2 : BOX.top + BOX.height - 2, BOX.left + 2 : BOX.left + BOX.width - 2] = True
        assert np.abs(alpha / 140 * 255 - expected)[inside].max() < 2.5
        assert not alpha[: BOX.top - 1].any(), "beyond what the model saw"
        press(page, Keys.ARROW_DOWN)
    press(page, Keys.END)
    assert "below its threshold" in shown(page)
    assert not heat(page)[..., 3].any()


def test_the_canvas_covers_the_image_exactly(page: Ohif) -> None:
    shown, canvas, lines = page.driver.execute_script(
        """return ["img", "canvas", "svg"].map((one) => {
          const rect = document.querySelector(`.film ${one}`).getBoundingClientRect();
          return [rect.left, rect.top, rect.width, rect.height];
        });"""
    )
    assert shown == canvas == lines
    assert shown[2] / shown[3] == pytest.approx(COLUMNS / ROWS, rel=0.003)


def test_pointing_and_tapping_show_heat_maps_too(page: Ohif) -> None:
    names = all_of(page, ".findings .name")
    page.driver.execute_script("arguments[0].dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))", names[1])
    assert heat(page)[..., 3].any()
    page.driver.execute_script("arguments[0].dispatchEvent(new MouseEvent('mouseout', {bubbles: true}))", names[1])
    assert not heat(page)[..., 3].any()
    names[0].click()
    assert names[0].get_attribute("aria-pressed") == "true"
    page.driver.execute_script("document.activeElement.blur()")
    assert heat(page)[..., 3].any(), "what was tapped stays"
    picture(page, "study-page-heat.png")


def columns_of(page: Ohif, colour: tuple[int, int, int]) -> tuple[float, float, float]:
    """First and last column and the middle row of what is drawn in a colour, in pixels of the image."""
    [drawn] = all_of(page, ".film")
    pixels = np.asarray(Image.open(io.BytesIO(drawn.screenshot_as_png)).convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - colour).max(axis=2) < 24)
    scale = COLUMNS / pixels.shape[1]
    return columns.min() * scale, (columns.max() + 1) * scale, (rows.min() + rows.max() + 1) / 2 * scale


def test_the_widths_lie_where_they_were_measured(page: Ohif) -> None:
    scale = COLUMNS / float(all_of(page, ".film")[0].rect["width"])
    for (start, end), colour in ((HEART, (255, 92, 108)), (THORAX, (111, 211, 255))):
        left, right, row = columns_of(page, colour)
        assert left == pytest.approx(start[0], abs=STROKE * scale)
        assert right == pytest.approx(end[0], abs=STROKE * scale)
        assert row == pytest.approx(start[1], abs=STROKE * scale)
    assert "Heart: 100.5 mm (150 pixels)" in page.page_text()


def test_a_reader_disagrees_by_keyboard(page: Ohif, server: Orthanc, image: str) -> None:
    label = server.get(f"/ai/studies/{STUDY}")["images"][0]["findings"][0]["label"]
    to_findings(page)
    assert press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).text.startswith("Disagree")
    press(page, Keys.ENTER)
    [store] = all_of(page, "#store")
    store.click()
    assert "Your name is missing" in page.driver.find_element(By.ID, "said").text
    press(page, "Dr. Phantom")
    store.click()
    page.wait_for(lambda: all_of(page, ".said") or None, "the statement does not appear")
    assert all_of(page, ".said")[0].text == "Dr. Phantom: not there"
    [stored] = server.get(f"/ai/instances/{image}/corrections")["corrections"]
    assert (stored["reader"], [(one["finding"], one["present"]) for one in stored["findings"]]) == (
        "Dr. Phantom",
        [(label, False)],
    )
    # It comes back as a label of whoever trains on the image.
    dataset = server.post("/ai/datasets", {"selection": {"instances": [image]}, "size": 64, "readers": {"only": True}})[
        "path"
    ]
    server.wait_until(lambda: server.get(dataset)["ended"] is not None, "the dataset does not end")
    [row] = csv.DictReader(io.StringIO(server.request("GET", f"{dataset}/files/dataset.csv").text))
    assert row[f"reader/{label}"] == "0"
    page.driver.refresh()
    page.wait_for(lambda: all_of(page, ".statement:not([hidden])") or None, "the script does not run")
    name = page.driver.find_element(By.ID, "reader").get_property("value")
    assert name == "Dr. Phantom", "the name is asked for once"
    pressed = all_of(page, '.statement button[aria-pressed="true"]')
    assert [one.text.split()[0] for one in pressed] == ["Disagree"]


def test_a_failure_is_seen_and_tried_again(page: Ohif, server: Orthanc, image: str) -> None:
    before = server.outcome("instances", image, XRAY_METADATA)
    assert before is not None
    put(server, image, {"code": "FAILED", "recipe": before["recipe"], "at": before["at"], "detail": "WORKER_DIED"})
    try:
        page.driver.execute_script("window.stays = true; document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for(lambda: all_of(page, "article.failed") or None, "the failure does not appear")
        [again] = [one for one in all_of(page, ".actions button") if one.text == "Try again"]
        again.click()
        page.wait_for(lambda: all_of(page, "article.reported") or None, "it was not tried again")
        assert page.driver.execute_script("return window.stays"), "the page was loaded anew"
    finally:
        written(server, image)


def test_heat_maps_and_lines_are_written_for_the_viewer_when_asked_for(page: Ohif, server: Orthanc, image: str) -> None:
    [ask] = [one for one in all_of(page, ".actions button") if one.text.startswith("Heat maps")]
    ask.click()
    try:
        link = page.wait_for(lambda: page.link("Heat map of Cardiomegaly in OHIF"), "there is no link")
        series = str(link.get_attribute("href")).rpartition("initialSeriesInstanceUID=")[2]
        [capture] = server.find("Series", {"SeriesInstanceUID": series})
        assert capture["MainDicomTags"]["Modality"] == "OT"
        # What the worker has made this time, not what was written here.
        [seen] = server.get(f"/ai/studies/{STUDY}")["images"]
        assert seen["prior"]["page"].endswith(server.find("Study", {"StudyInstanceUID": PRIOR})[0]["ID"])
        assert seen["ratio"]["code"] in Code.__members__ or seen["ratio"]["value"] > 0
    finally:
        written(server, image)


@pytest.mark.parametrize(("colours", "rules"), [("light", None), ("dark", {"runOnly": ["color-contrast"]})])
def test_no_fault_for_those_who_do_not_see_it_well(
    page: Ohif, colours: str, rules: dict[str, list[str]] | None
) -> None:
    scheme(page, colours)
    all_of(page, ".statement button")[0].click()
    found = Axe().run(page.driver, options=rules)
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []
    assert len(found["passes"]) >= (1 if rules else 20)
    all_of(page, "#discard")[0].click()
    assert page.errors() == []


def test_on_paper_it_is_one_page_with_the_strongest_heat_map(page: Ohif) -> None:
    scheme(page, "dark", "print")
    assert page.driver.find_element(By.TAG_NAME, "body").value_of_css_property("color") == "rgba(0, 0, 0, 1)"
    seen = {selector: all_of(page, selector)[0].is_displayed() for selector in (".strongest canvas", ".demonstration")}
    assert seen == {".strongest canvas": True, ".demonstration": True}
    assert not all_of(page, ".actions")[0].is_displayed()
    height = page.driver.execute_script("return document.body.scrollHeight")
    options = {"printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69}
    printed = base64.b64decode(page.driver.execute_cdp_cmd("Page.printToPDF", options)["data"])
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "study-page.pdf").write_bytes(printed)
    assert re.findall(rb"/Count (\d+)", printed) == [b"1"], height


def test_on_a_phone_nothing_is_cut_off(page: Ohif) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        width = page.driver.execute_script("return document.scrollingElement.scrollWidth")
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width == 375


def test_without_a_script_all_but_the_heat_maps_is_there(server: Orthanc, image: str, browser: Ohif) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(f"{server.url}/ai/studies/{STUDY}")
        text = browser.page_text()
        for words in ("DEMONSTRATION", "Cardiomegaly", "0.51", "Heart: 100.5 mm", "which does not run here"):
            assert words in text, words
        assert not [one for one in all_of(browser, "button:not(.name)") if one.is_displayed()]
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_orthanc_explorer_leads_to_the_page(server: Orthanc, browser: Ohif) -> None:
    [found] = server.find("Study", {"StudyInstanceUID": STUDY})
    browser.driver.get(f"{server.url}/app/explorer.html#study?uuid={found['ID']}")
    link = browser.wait_for(lambda: browser.link("AI findings of this study"), "there is no link")
    assert str(link.get_attribute("href")).endswith(f"/ai/studies/{found['ID']}")


def test_a_new_image_appears_without_reload(page: Ohif, server: Orthanc) -> None:
    """The last one but one: it changes the study. Its film is stored inverted, and is shown as the others are."""
    focused = to_findings(page).get_attribute("id")
    page.driver.execute_script("window.stays = true")
    [new] = server.upload([film(4, STUDY, monochrome1=True)])
    page.wait_for(lambda: len(all_of(page, "article.reported")) == 2 or None, "the new image does not appear")
    assert page.driver.execute_script("return window.stays"), "the page was loaded anew"
    assert page.driver.switch_to.active_element.get_attribute("id") == focused
    page.wait_for(lambda: "new result" in page.driver.find_element(By.ID, "said").text or None, "nobody is told")
    pictures = {one["instanceID"]: one["picture"] for one in server.get(f"/ai/studies/{STUDY}")["images"]}
    first, second = (
        np.asarray(Image.open(io.BytesIO(server.request("GET", path).content)).convert("L")).astype(int)
        for path in (pictures.pop(new), *pictures.values())
    )
    assert np.abs(first - second).max() <= 2, "gray levels"


def test_a_study_that_is_deleted_is_said_to_be_gone(page: Ohif, server: Orthanc) -> None:
    [study] = server.find("Study", {"StudyInstanceUID": STUDY})
    assert server.request("DELETE", f"/studies/{study['ID']}").ok
    page.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    said = page.driver.find_element(By.ID, "said")
    page.wait_for(lambda: "no longer in the archive" in said.text or None, "nobody is told")
