"""The operator's page in a real browser: what comes is seen without reloading, and what failed is tried again by a button."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python.selenium import Axe
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from orthanc_ai.outcomes import REPORT_METADATA, XRAY_METADATA
from phantom.dicom import chest_dx
from tests.live.faults import FAULTY_PYTHON
from tests.live.orthanc import Orthanc

from .browser import Ohif
from .test_cardiac_page import picture, scheme

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
SIDE = 128


def film(number: int, patient: str, date: str = "20240105") -> Dataset:
    return chest_dx(
        *(number, SIDE, SIDE),
        PatientID=patient,
        PatientName=f"Phantom^{patient}",
        StationName=f"ROOM {number % 2 + 1}",
        StudyDate=date,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server whose workers die once of one of the images."""
    folder = tmp_path_factory.mktemp("operator")
    orthanc = Orthanc(folder, {"Python": str(FAULTY_PYTHON), "MaxAttempts": 1}).start()
    films = [film(number, f"P{number}", f"2024{number % 8 + 1:02d}05") for number in range(8)]
    assert len(orthanc.upload([*films, film(90, "ONCE-SEGV")])) == 9
    orthanc.wait_idle()
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
    return opened(browser, server.url + "/ai/")


def opened(browser: Ohif, address: str) -> Ohif:
    browser.driver.get(address)
    browser.wait_for(lambda: browser.driver.find_elements(By.CSS_SELECTOR, "html[data-drawn]"), "the page is not drawn")
    # It would be gone after a reload.
    browser.driver.execute_script("window.same = true")
    return browser


def all_of(page: Ohif, selector: str) -> list[WebElement]:
    return page.driver.find_elements(By.CSS_SELECTOR, selector)


def patients(page: Ohif) -> list[str]:
    return [one.text for one in all_of(page, "[data-study] th .quiet")]


def is_the_same(page: Ohif) -> bool:
    return bool(page.driver.execute_script("return window.same === true"))


def test_what_failed_is_told_and_tried_again_by_its_button(server: Orthanc, page: Ohif) -> None:
    """The first one: what failed is there only once."""
    failures = page.driver.find_element(By.ID, "section-failures").text
    assert "ONCE-SEGV" in failures
    assert "The worker process died while it read the image." in failures
    assert [one.text for one in all_of(page, "#section-failures .code")] == ["WORKER_DIED"]
    link = page.driver.find_element(By.CSS_SELECTOR, "#section-failures .code")
    assert str(link.get_attribute("href")) == f"{server.url}/ai/codes/WORKER_DIED"
    assert "ONCE-SEGV" not in patients(page)
    page.driver.find_element(By.CSS_SELECTOR, '#section-failures [id^="retry-xray"]').send_keys(Keys.ENTER)
    page.wait_for(lambda: "Nothing has failed." in page.page_text(), "the failure stays")
    page.wait_for(lambda: "ONCE-SEGV" in patients(page), "what was tried again is not on the worklist")
    assert page.driver.find_element(By.ID, "message").text == "It is tried again."
    assert is_the_same(page)
    assert page.errors() == []


def test_worklist_is_that_of_the_route(server: Orthanc, page: Ohif) -> None:
    studies = server.get("/ai/worklist")["studies"]
    assert patients(page) == [one["patientID"] for one in studies]
    excess = [one["first"]["excess"] for one in studies]
    assert excess == sorted(excess, reverse=True)
    link = page.driver.find_element(By.CSS_SELECTOR, "[data-study] th a")
    assert str(link.get_attribute("href")) == f"{server.url}/ai/studies/{studies[0]['studyID']}"
    drawn = all_of(page, "svg.chart-svg[role=img]")
    assert len(drawn) == 2 + len(server.get("/ai/drift")["findings"])
    assert all(one.size["width"] > 200 and one.get_attribute("aria-label") for one in drawn)


def test_a_new_image_appears_without_reloading(server: Orthanc, page: Ohif) -> None:
    before = patients(page)
    page.driver.find_element(By.ID, "ask-label").send_keys("half a wo")
    server.upload([film(20, "NEW", "20240920")])
    page.wait_for(lambda: "NEW" in patients(page), "the new image does not appear")
    assert len(patients(page)) == len(before) + 1
    assert is_the_same(page)
    # Nobody is disturbed while typing, and only what is new is marked.
    assert page.driver.switch_to.active_element.get_attribute("value") == "half a wo"
    assert [one.text for one in all_of(page, "tr.fresh th .quiet")] == ["NEW"]
    assert len(all_of(page, "#section-today svg.chart-svg")) == 2
    assert page.errors() == []


def test_filters_ask_for_others(server: Orthanc, page: Ohif) -> None:
    Select(page.driver.find_element(By.NAME, "source")).select_by_value("ROOM 2")
    Select(page.driver.find_element(By.CSS_SELECTOR, ".ask select[name=sort]")).select_by_value("newest")
    page.driver.find_element(By.CSS_SELECTOR, ".ask button").click()
    page.wait_for(lambda: "source=ROOM" in page.driver.current_url, "the form is not sent")
    found = [one["patientID"] for one in server.get("/ai/worklist?source=ROOM%202&sort=newest")["studies"]]
    assert patients(page) == found
    assert set(found) == {"P1", "P3", "P5", "P7"}


def test_what_this_server_made_is_no_image_and_wakes_nothing(server: Orthanc) -> None:
    [study] = server.find("Study", {"PatientID": "P1"})
    before = server.get("/ai/catalog/counts")
    capture = film(1, "P1", "20240205")
    capture.Modality = "OT"
    capture.SOPClassUID = SecondaryCaptureImageStorage
    capture.SOPInstanceUID, capture.SeriesInstanceUID = generate_uid(), generate_uid()
    capture.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    capture.file_meta.MediaStorageSOPInstanceUID = capture.SOPInstanceUID
    [instance] = server.upload([capture])
    assert server.get(f"/instances/{instance}/study")["ID"] == study["ID"]
    assert server.get("/ai/catalog/counts")["images"] == before["images"] + 1
    mark = server.request("PUT", f"/instances/{instance}/metadata/{REPORT_METADATA}", data=b'{"ours":true}')
    assert mark.ok
    assert server.get("/ai/catalog/counts") == before
    server.wait_idle()
    assert XRAY_METADATA not in server.get(f"/instances/{instance}/metadata")
    [entry] = [one for one in server.get("/ai/worklist")["studies"] if one["patientID"] == "P1"]
    assert (entry["images"], entry["modalities"]) == (1, ["DX"])


def test_it_asks_nothing_while_nobody_looks_and_little_while_nothing_happens(page: Ohif) -> None:
    count = "return performance.getEntriesByType('resource').filter((one) => /\\/ai(\\/now|\\?)/.test(one.name)).length"
    statuses = (
        "return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/ai/now'))"
        ".map((one) => one.responseStatus)"
    )
    page.wait_for(lambda: 304 in page.driver.execute_script(statuses), "it is never told that nothing has changed")
    window = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    other = page.driver.current_window_handle
    page.driver.switch_to.window(window)
    hidden = page.driver.execute_script("return document.hidden")
    if not hidden:
        # As the browser tells it where windows are drawn by somebody else.
        page.driver.execute_script(
            "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
    page.driver.execute_async_script("setTimeout(arguments[0], 500)")
    before = page.driver.execute_script(count)
    page.driver.execute_async_script("setTimeout(arguments[0], 3000)")
    assert page.driver.execute_script(count) == before
    page.driver.switch_to.window(other)
    page.driver.close()
    page.driver.switch_to.window(window)
    page.driver.execute_script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for(lambda: page.driver.execute_script(count) > before, "it does not go on")


def test_a_pause_and_its_end(server: Orthanc, page: Ohif) -> None:
    page.driver.find_element(By.ID, "act-pause").click()
    page.wait_for(lambda: "Paused" in page.driver.find_element(By.ID, "section-now").text, "the pause is not shown")
    assert server.get("/ai/status")["queue"]["paused"]
    page.driver.find_element(By.ID, "act-pause").click()
    page.wait_for(lambda: "Paused" not in page.driver.find_element(By.ID, "section-now").text, "it does not end")
    assert not server.get("/ai/status")["queue"]["paused"]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_no_fault_for_those_who_do_not_see_it_well(page: Ohif, colours: str) -> None:
    scheme(page, colours)
    found = Axe().run(page.driver)
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []
    assert len(found["passes"]) >= 20
    picture(page, f"operator-page-{colours}.png")


NAMED = (
    "const name = (one) => [one.tagName, ...['id', 'href', 'name', 'aria-label', 'aria-labelledby']"
    ".map((each) => one.getAttribute(each))].join(' ');"
)
"""What stays the same when a section comes anew."""


def test_by_keyboard_one_gets_to_every_control(page: Ohif) -> None:
    controls = "a, input:not([type=hidden]), select, button, summary, details[open] .scroll, .scroll:not(details *)"
    wanted = page.driver.execute_script(
        f"{NAMED} return [...document.querySelectorAll(arguments[0])].map(name)", controls
    )
    assert len(wanted) == len(set(wanted)) > 30
    page.driver.execute_script("document.querySelector(arguments[0]).focus()", controls)
    reached = [wanted[0]]
    for _ in wanted[1:]:
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        reached.append(page.driver.execute_script(f"{NAMED} return name(document.activeElement)"))
    assert reached == wanted


def test_whoever_has_come_to_something_stays_there_when_it_comes_anew(server: Orthanc, page: Ohif) -> None:
    link = page.driver.find_element(By.CSS_SELECTOR, "[data-study]:last-of-type td:last-child a")
    href = link.get_attribute("href")
    page.driver.execute_script("arguments[0].focus()", link)
    server.upload([film(21, "NEWER", "20240921")])
    page.wait_for(lambda: "NEWER" in patients(page), "the new image does not appear")
    assert page.driver.switch_to.active_element.get_attribute("href") == href


def test_without_a_script_and_on_paper(server: Orthanc, browser: Ohif) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(server.url + "/ai/")
        text = browser.page_text()
        for words in ("NEW", "ROOM 2", "Cardiomegaly", "2024-01-01", "phantom", server.get("/system")["Version"]):
            assert words in text, words
        assert all_of(browser, "details[open] table")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    opened(browser, server.url + "/ai/")
    scheme(browser, "dark", "print")
    assert browser.driver.find_element(By.TAG_NAME, "body").value_of_css_property("color") == "rgba(0, 0, 0, 1)"
    assert not browser.driver.find_element(By.CSS_SELECTOR, "form.ask").is_displayed()
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "operator-page.pdf").write_bytes(base64.b64decode(printed["data"]))
