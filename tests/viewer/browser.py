"""OHIF in a real browser, as a reader uses it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

SIZE = (1400, 1300)
TIMEOUT_S = 120.0
"""OHIF loads 15 MB of scripts and draws with a software renderer here."""

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # the tests run as root
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # Without a way out, each of these would try the network at every start.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Ohif:
    """A browser window with OHIF in it.

    Parameters
    ----------
    url
        Address of the server.
    """

    def __init__(self, url: str) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in (*_ARGUMENTS, f"--window-size={SIZE[0]},{SIZE[1]}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_window_size(*SIZE)
        self._url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(self, path: str) -> None:
        """Open a page of the server, without OHIF's guided tour over it."""
        # The tour is skipped by what OHIF remembers of an earlier visit, so there must be a page of that origin first.
        self.driver.get(f"{self._url}/ohif/app-config.js")
        self.driver.execute_script("localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))")
        self.driver.get(self._url + path)

    def confirm(self, words: str) -> None:
        """Press the button with these words, once it is there."""

        def button() -> WebElement | None:
            return next((b for b in self.driver.find_elements(By.TAG_NAME, "button") if b.text == words), None)

        self.wait_for(button, f"no button {words!r}").click()

    def thumbnails(self) -> list[WebElement]:
        """The series of the study, as the left panel lists them."""
        return self.driver.find_elements(By.CSS_SELECTOR, '[data-cy^="study-browser-thumbnail"]')

    def open_series(self, words: str) -> None:
        """Double-click the series whose entry contains these words."""

        def entry() -> WebElement | None:
            return next((found for found in self.thumbnails() if words in found.text), None)

        found = self.wait_for(entry, f"no series {words!r}; there are {[found.text for found in self.thumbnails()]}")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        ActionChains(self.driver).double_click(found).perform()

    def link(self, words: str) -> WebElement | None:
        """The link with these words, if it is there."""
        return next((a for a in self.driver.find_elements(By.TAG_NAME, "a") if words in a.text), None)

    def page_text(self) -> str:
        """Everything that the page shows as text."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def viewport_text(self) -> str:
        """Everything that the viewports show as text."""
        grids = self.driver.find_elements(By.CSS_SELECTOR, '[data-cy="viewport-grid"]')
        return grids[0].text if grids else ""

    def wait_for[T](self, what: Callable[[], T | None], otherwise: str) -> T:
        """Wait until something is there, and return it."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                found = what()
            except StaleElementReferenceException:
                found = None
            if found:
                return found
            time.sleep(0.25)
        raise AssertionError(f"{otherwise}\nconsole: {self.errors()}")

    def errors(self) -> list[str]:
        """Errors that the page has written to its console."""
        try:
            log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        except WebDriverException:
            return []
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def screenshot(self, file: Path) -> None:
        """Keep what the window shows."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(file))
