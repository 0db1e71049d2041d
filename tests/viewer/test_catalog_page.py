"""The page of the catalogue in a real browser: its numbers are those of the headers, and everybody gets at them."""

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.selenium import Axe
from pydicom import Dataset
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.live.orthanc import Orthanc

from .browser import Ohif
from .catalog import archive, stored
from .test_cardiac_page import picture, scheme

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
PAGE = "/ai/catalog"

IMAGES = archive()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    orthanc = stored(tmp_path_factory.mktemp("catalog"), IMAGES)
    yield orthanc
    orthanc.stop()


@pytest.fixture(scope="module")
def browser(server: Orthanc) -> Iterator[Ohif]:
    with Ohif(server.url) as ohif:
        yield ohif


@pytest.fixture
def page(server: Orthanc, browser: Ohif) -> Ohif:
    """The page with its charts, in light colours."""
    scheme(browser, "light")
    browser.errors()  # of the page before
    return opened(browser, server.url + PAGE)


def opened(browser: Ohif, address: str) -> Ohif:
    browser.driver.get(address)
    browser.wait_for(lambda: browser.driver.find_elements(By.CSS_SELECTOR, "html[data-drawn]"), "no chart is drawn")
    return browser


def counted(server: Orthanc, **query: str) -> Any:
    return server.get(f"{PAGE}/distributions", params=query)


def groups(value: Callable[[Dataset], str], images: Sequence[Dataset] = IMAGES) -> dict[str, tuple[int, int, int, int]]:
    """What the headers say, counted here."""
    levels: dict[str, tuple[set[str], set[str], set[str], set[str]]] = defaultdict(lambda: (set(), set(), set(), set()))
    for image in images:
        names = (image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
        for level, name in zip(levels[value(image)], names, strict=True):
            level.add(str(name))
    return {name: (len(found[0]), len(found[1]), len(found[2]), len(found[3])) for name, found in levels.items()}


def answered(listed: list[dict[str, Any]], name: str = "value") -> dict[str, tuple[int, int, int, int]]:
    return {one[name]: (one["patients"], one["studies"], one["series"], one["images"]) for one in listed}


def decade(image: Dataset) -> int | None:
    if image.get("PatientAge"):
        return int(image.PatientAge[:3]) // 10 * 10
    # Of the CT series: born on a first of January.
    return (int(image.StudyDate[:4]) - int(image.PatientBirthDate[:4])) // 10 * 10 if image.PatientBirthDate else None


def test_counts_are_those_of_the_headers(server: Orthanc) -> None:
    answer = counted(server)
    assert answered([answer["total"]]) == groups(lambda _: "")
    assert answered(answer["modalities"]) == groups(lambda image: image.Modality)
    assert answered(answer["bodyParts"]) == groups(lambda image: image.get("BodyPartExamined", ""))
    assert answered(answer["sexes"]) == groups(lambda image: image.PatientSex)
    assert answered(answer["time"], "first") == {
        f"{month[:4]}-{month[4:]}-01" if month else None: counts
        for month, counts in groups(lambda image: image.StudyDate[:6]).items()
    }
    years = groups(lambda image: f"{image.PatientSex} {decade(image)}")
    assert answered([one | {"group": f"{one['sex']} {one['first']}"} for one in answer["ages"]], "group") == years


def test_findings_are_those_of_the_list_of_findings(server: Orthanc) -> None:
    listed = server.get("/ai/findings?limit=1000")["findings"]
    images, reached, bins = Counter[str](), Counter[str](), defaultdict[str, Counter[int]](Counter)
    for one in listed:
        images[one["label"]] += 1
        reached[one["label"]] += one["score"] >= one["threshold"]
        bins[one["label"]][min(int(round(one["score"] * 1e6) // 50_000), 19)] += 1
    found = counted(server)["findings"]
    assert {one["label"]: one["images"] for one in found} == images
    assert {one["label"]: one["reached"] for one in found if one["reached"]} == +reached
    for one in found:
        assert {k: n for k, n in enumerate(one["histogram"]) if n} == bins[one["label"]]
        assert one["demonstration"]


def test_what_is_filtered_is_counted_as_if_the_rest_were_not_there(server: Orthanc) -> None:
    films = [image for image in IMAGES if image.Modality in ("DX", "CR") and image.StudyDate >= "20240101"]
    answer = counted(server, modality="DX,CR", studyDate="20240101-")
    assert answered(answer["modalities"]) == groups(lambda image: image.Modality, films)
    assert answered(answer["sexes"]) == groups(lambda image: image.PatientSex, films)


def bars(page: Ohif, chart: str) -> list[str]:
    """The numbers at the bars of a chart, from the top down."""
    box = page.driver.find_element(By.CSS_SELECTOR, f'[data-chart="{chart}"]')
    texts = box.find_elements(By.CSS_SELECTOR, 'g[text-anchor="start"] text')
    return [one.text for one in texts]


def test_charts_show_these_numbers(server: Orthanc, page: Ohif) -> None:
    answer = counted(server)
    assert bars(page, "modalities") == [str(one["studies"]) for one in answer["modalities"]]
    assert bars(page, "bodyParts") == [str(one["studies"]) for one in answer["bodyParts"]]
    assert bars(page, "prevalence") == [f"{one['reached']} of {one['images']}" for one in answer["findings"]]
    drawn = page.driver.find_elements(By.CSS_SELECTOR, "svg.chart-svg[role=img]")
    assert len(drawn) == 6 + len(answer["findings"])
    assert all(one.size["width"] > 200 and one.get_attribute("aria-label") for one in drawn)
    months = page.driver.find_elements(By.CSS_SELECTOR, '[data-chart="time"] rect')
    assert len(months) == sum(one["first"] is not None for one in answer["time"])


def test_nothing_breaks_the_policy_or_the_scripts(page: Ohif) -> None:
    assert page.errors() == []
    fetched = page.driver.execute_async_script(
        "fetch(location).then(() => arguments[0]('fetched'), () => arguments[0]('refused'))"
    )
    assert fetched == "refused", "scripts of the page may load nothing"


def test_the_form_asks_for_others(page: Ohif) -> None:
    Select(page.driver.find_element(By.NAME, "modality")).select_by_value("CR")
    Select(page.driver.find_element(By.NAME, "count")).select_by_value("images")
    page.driver.find_element(By.CSS_SELECTOR, "form button").click()
    page.wait_for(lambda: "modality=CR" in page.driver.current_url, "the form is not sent")
    page.wait_for(lambda: page.driver.find_elements(By.CSS_SELECTOR, "html[data-drawn]"), "no chart is drawn")
    assert "Images by modality" in page.page_text()
    assert bars(page, "modalities") == ["2"]


def test_without_a_script_everything_is_there(server: Orthanc, browser: Ohif) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(server.url + PAGE)
        assert not browser.driver.find_elements(By.CSS_SELECTOR, "svg")
        text = browser.page_text()
        codes = [one["code"] for one in counted(server)["outcomes"]]
        for words in ("2024-02", "40\u201349", "HAND", "Cardiomegaly", "not stated", *codes):
            assert words in text, words
        Select(browser.driver.find_element(By.NAME, "bodyPart")).select_by_value("HAND")
        browser.driver.find_element(By.CSS_SELECTOR, "form button").click()
        browser.wait_for(lambda: "bodyPart=HAND" in browser.driver.current_url, "the form is not sent")
        assert "2024-02" in browser.page_text()
        assert "2023" not in browser.page_text()
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_by_keyboard_one_gets_to_every_control_and_table(page: Ohif) -> None:
    tables = page.driver.find_elements(By.TAG_NAME, "summary")
    tables[0].send_keys(Keys.ENTER)
    controls = "a, input, select, button, summary, details[open] .scroll, section > .scroll"
    found = page.driver.find_elements(By.CSS_SELECTOR, controls)
    wanted = [one.id for one in found]
    page.driver.execute_script("arguments[0].focus()", found[0])
    reached = [found[0].id]
    for _ in wanted[1:]:
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.driver.switch_to.active_element.id)
    assert reached == wanted
    assert page.driver.find_element(By.CSS_SELECTOR, "details[open] table").is_displayed()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_no_fault_for_those_who_do_not_see_it_well(page: Ohif, colours: str) -> None:
    scheme(page, colours)
    found = Axe().run(page.driver)
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []
    assert len(found["passes"]) >= 20
    picture(page, f"catalog-page-{colours}.png")


def test_on_paper(page: Ohif) -> None:
    scheme(page, "dark", "print")
    assert page.driver.find_element(By.TAG_NAME, "body").value_of_css_property("color") == "rgba(0, 0, 0, 1)"
    assert not page.driver.find_element(By.TAG_NAME, "form").is_displayed()
    # It is drawn anew for another width.
    page.wait_for(
        lambda: page.driver.find_element(By.CSS_SELECTOR, "[data-chart=time] svg").is_displayed(), "no chart is printed"
    )
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "catalog-page.pdf").write_bytes(base64.b64decode(printed["data"]))


def test_orthanc_explorer_leads_to_the_page(server: Orthanc, browser: Ohif) -> None:
    browser.driver.get(f"{server.url}/app/explorer.html")
    link = browser.wait_for(lambda: browser.link("Catalogue"), "there is no link")
    assert str(link.get_attribute("href")) == server.url + PAGE


def test_what_is_deleted_is_not_counted_any_more(server: Orthanc) -> None:
    """The last one: it changes the archive."""
    [study] = server.find("Study", {"StudyDate": "20240229"})
    before = counted(server)["total"]["images"]
    assert server.request("DELETE", f"/studies/{study['ID']}").ok
    answer = counted(server)
    assert answer["total"]["images"] == before - 1
    assert "HAND" not in answered(answer["bodyParts"])
