"""The page of a CT study in a real browser: seen, read, reached by keyboard, in dark and light, on paper."""

import base64
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.live.orthanc import Orthanc

from .browser import Ohif
from .cardiac import judged_server

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, str]]:
    orthanc, study = judged_server(tmp_path_factory.mktemp("cardiac"))
    yield orthanc, study
    orthanc.stop()


@pytest.fixture(scope="module")
def browser(server: tuple[Orthanc, str]) -> Iterator[Ohif]:
    with Ohif(server[0].url) as ohif:
        yield ohif


@pytest.fixture
def page(server: tuple[Orthanc, str], browser: Ohif) -> Ohif:
    """The page, in light colours."""
    scheme(browser, "light")
    browser.driver.get(f"{server[0].url}/ai/studies/{server[1]}/cardiac")
    return browser


def scheme(browser: Ohif, name: str, media: str = "screen") -> None:
    """As a reader's system would have it."""
    features = [{"name": "prefers-color-scheme", "value": name}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def picture(browser: Ohif, name: str) -> None:
    """Keep the whole page, beyond what the window shows."""
    for image in browser.driver.find_elements(By.TAG_NAME, "img"):
        browser.driver.execute_script("arguments[0].scrollIntoView()", image)
        browser.wait_for(partial(image.get_property, "naturalWidth"), "an image does not load")
    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / name).write_bytes(base64.b64decode(shot["data"]))


def article(browser: Ohif, number: int) -> Any:
    """What is said of one series."""
    return next(
        one for one in browser.driver.find_elements(By.TAG_NAME, "article") if one.text.startswith(f"Series {number}:")
    )


def test_every_series_is_there_and_a_link_leads_to_it(page: Ohif) -> None:
    links = page.driver.find_elements(By.CSS_SELECTOR, "table a")
    assert len(links) == len(page.driver.find_elements(By.TAG_NAME, "article")) == 8
    links[-1].click()
    target = str(links[-1].get_attribute("href")).partition("#")[2]
    seen = page.driver.execute_script("return [scrollY, scrollY + innerHeight]")
    assert seen[0] <= page.driver.find_element(By.ID, target).rect["y"] < seen[1]


def test_a_missing_slice_is_seen_where_it_is(page: Ohif) -> None:
    damaged = article(page, 8)
    assert "1 slice missing: between images 30 and 32" in damaged.text
    [mark] = damaged.find_elements(By.CSS_SELECTOR, "svg .missing")
    lines = damaged.find_element(By.CSS_SELECTOR, "svg .slices").rect
    # The slice in the middle was taken away.
    assert mark.rect["x"] + mark.rect["width"] / 2 == pytest.approx(lines["x"] + lines["width"] * 30 / 59, abs=2)
    assert mark.value_of_css_property("stroke") == "rgb(200, 16, 46)"
    assert not article(page, 5).find_elements(By.CSS_SELECTOR, "svg .missing, svg .doubled, svg .uneven")


def test_phases_are_rows_and_a_doubled_one_stands_out(page: Ohif) -> None:
    rows = article(page, 7).find_elements(By.CSS_SELECTOR, "svg .phase")
    assert [row.text for row in rows] == ["0%", "20%", "40%", "60%", "80%"]
    [doubled] = article(page, 9).find_elements(By.CSS_SELECTOR, "svg .doubled")
    third = article(page, 9).find_elements(By.CSS_SELECTOR, "svg .phase")[2]
    assert abs(doubled.rect["y"] + doubled.rect["height"] / 2 - third.rect["y"] - third.rect["height"] / 2) < 10


def test_images_are_drawn_by_this_server(page: Ohif) -> None:
    images = page.driver.find_elements(By.TAG_NAME, "img")
    assert len(images) == 8
    picture(page, "cardiac-page-light.png")
    assert not page.errors()


def test_texts_of_headers_are_no_markup(page: Ohif) -> None:
    assert "uneven <b>steps</b>" in article(page, 11).text
    assert not page.driver.find_elements(By.CSS_SELECTOR, "main b")


def test_by_keyboard_one_gets_to_every_link_and_drawing(page: Ohif) -> None:
    wanted = page.driver.find_elements(By.CSS_SELECTOR, "a, .scroll")
    reached = []
    for _ in wanted:
        page.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        reached.append(page.driver.switch_to.active_element.id)
    assert reached == [one.id for one in wanted]


@pytest.mark.parametrize(("colours", "rules"), [("light", None), ("dark", {"runOnly": ["color-contrast"]})])
def test_no_fault_for_those_who_do_not_see_it_well(
    page: Ohif, colours: str, rules: dict[str, list[str]] | None
) -> None:
    scheme(page, colours)
    found = Axe().run(page.driver, options=rules)
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []
    assert len(found["passes"]) >= (1 if rules else 20)
    picture(page, f"cardiac-page-{colours}.png")


def test_on_paper(page: Ohif) -> None:
    scheme(page, "dark", "print")
    assert page.driver.find_element(By.TAG_NAME, "body").value_of_css_property("color") == "rgba(0, 0, 0, 1)"
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "cardiac-page.pdf").write_bytes(base64.b64decode(printed["data"]))


def test_orthanc_explorer_leads_to_the_page(server: tuple[Orthanc, str], browser: Ohif) -> None:
    orthanc, study = server
    [found] = orthanc.find("Study", {"StudyInstanceUID": study})
    browser.driver.get(f"{orthanc.url}/app/explorer.html#study?uuid={found['ID']}")
    link = browser.wait_for(lambda: browser.link("CT series: verdicts"), "there is no link")
    assert str(link.get_attribute("href")).endswith(f"/ai/studies/{found['ID']}/cardiac")


def test_the_link_to_the_report_opens_it_in_ohif(server: tuple[Orthanc, str], browser: Ohif) -> None:
    orthanc, study = server
    link = orthanc.get(f"/ai/studies/{study}/cardiac?format=json")["reportViewer"]
    browser.open(link)
    browser.confirm("Confirm and hide")
    browser.wait_for(lambda: "Verdict" in browser.viewport_text() or None, "the report does not appear")
    text = browser.viewport_text()
    browser.screenshot(ARTIFACTS / "ohif-cardiac-report.png")
    for words in (
        "Accepted as cardiac CT",
        "Not accepted",
        "1 slice missing: between images 30 and 32",
        "(MISSING_SLICES)",
        "CardiacSynchronizationTechnique",
    ):
        assert words in text, words
    assert text.index("Series 5: CorCTA") < text.index("Series 1: Topogram")
    assert not [line for line in browser.errors() if "TypeError" in line]
