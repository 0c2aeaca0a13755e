"""A page in a browser, for the tests of the pages that the project makes."""

import os
import time

from shared import tests

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

SIZES = [(1280, 800), (390, 844)]
TOO_WIDE = """
    return [...document.querySelectorAll('html, body, nav, main, section, article, figure, .tile')]
        .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.tagName + '.' + e.className)"""
BUTTONS_OUTSIDE = """
    return [...document.querySelectorAll('nav')].map(n => n.getBoundingClientRect())
        .some(n => n.bottom > innerHeight + 1 || n.right > innerWidth + 1)"""


def missing():
    programs = {"chromium": "/usr/bin/chromium", "chromium-driver": "/usr/bin/chromedriver"}
    packages = [package for package, path in programs.items() if not os.path.exists(path)]
    return packages + ([] if webdriver else ["python3-selenium"])


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Page(tests.Scene):
    def __init__(self, driver, file):
        super().__init__()
        self.driver, self.file = driver, file
        driver.get(file.as_uri())

    def expect(self, what, observed, expected):
        super().expect(f"{self.file.name}: {what}", observed, expected)

    def text(self, selector):
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found[0].text if found else ""

    def count(self, selector):
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def press(self, key):
        self.driver.find_element(By.TAG_NAME, "body").send_keys(key)

    def click(self, selector):
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})",
                                   element)  # not below the buttons at the foot
        element.click()

    def wait(self, what, script, seconds=5):
        """Until the script says true."""
        end = time.monotonic() + seconds
        while not (said := self.driver.execute_script(script)) and time.monotonic() < end:
            time.sleep(0.05)
        self.expect(what, bool(said), True)

    def fits(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        end = time.monotonic() + 3  # plots follow the window a moment later
        while (wide := self.driver.execute_script(TOO_WIDE)) and time.monotonic() < end:
            time.sleep(0.1)
        self.expect(f"what is wider than its room at {width}x{height}", wide, [])
        below = self.driver.execute_script(BUTTONS_OUTSIDE)
        self.expect(f"buttons outside the window at {width}x{height}", below, False)
