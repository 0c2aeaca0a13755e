#!/usr/bin/python3
"""The page that slab_replay --html writes, in a browser: of a program that violates, one that dies, one that agrees.
Exit 77, and what to install, where there is no browser."""

import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from planted import bugs as planted_bugs
from shared.browser import SIZES, Page, browser, missing

try:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    pass  # missing() says so


def check_violation(page):
    """S2: #0 leaves a full slab, which the cache goes on counting as full."""
    page.expect("the failing step is shown first", [page.text("#position"), "at step 3 (" in page.text("#verdict")],
                ["step 3", True])
    page.expect("its address", page.driver.execute_script("return location.hash"), "#3")
    page.expect("the build",
                page.text("#build").startswith("Built from ")
                and (" with clang " in page.text("#build") or " with g++ " in page.text("#build")), True)
    page.expect("and marked", "Invariant S2 is violated here" in page.text(".failure"), True)
    page.expect("with what was expected", "0 full, 2 partial" in page.text(".failure"), True)
    page.expect("and observed", "1 full, 1 partial" in page.text(".failure"), True)
    page.expect("the list shows it", page.text("#steps [aria-current=step] .n"), "✕ 3")
    page.expect("the slab is partial, whatever the cache counts", page.text("[data-slab=s1] .tag"), "partial")
    page.expect("slots of the first slab",
                [page.count(f"[data-slab=s1] .slot.{kind}") for kind in ("live", "free", "uncarved")], [1, 1, 0])
    page.press(Keys.ARROW_LEFT)
    page.expect("one step back", page.text("#position"), "step 2")
    page.expect("no failure there", page.count(".failure"), 0)
    page.expect("the backend's calls of #2 = alloc",
                [page.count("#calls li"), "alloc_slab(64, 64)" in page.text("#calls li")], [3, True])
    page.expect("the new slab is current", page.text("[data-slab=s2] .tag.current"), "current")
    page.expect("the map", page.text("#map").count("SlabInfo of"), 2)
    page.press(Keys.HOME)
    page.expect("the first step", [page.text("#position"), page.text("#slabs"), page.count(".slab")],
                ["start", "No slab yet.", 0])
    page.press(Keys.ARROW_LEFT)
    page.expect("nothing before it", page.text("#position"), "start")
    page.click("#forward")
    page.expect("a click goes forward",
                [page.text("#position"), page.count(".slab .slot.live"), page.count(".slab .slot.uncarved")],
                ["step 0", 1, 1])
    page.click("#steps li:nth-child(3) button")
    page.expect("a click on a step goes there", page.text("#position"), "step 1")
    page.expect("what the step touched", page.count(".slab .slot.touched"), 1)
    page.press(Keys.END)
    page.expect("the last step", page.text("#position"), "step 3")
    page.click("#first")
    page.click("#fault")
    page.expect("back to the failing step", [page.text("#position"), page.count(".failure")], ["step 3", 1])
    check_mouse(page)


def check_mouse(page):
    """Each way to go by mouse leads where the key does, and shows the same."""
    def shown():
        return [page.text("#position"), page.driver.execute_script("return location.hash"),
                page.text("#steps [aria-current=step]"), page.text("main")]

    steps = page.count("#steps li")
    by_key, by_button, by_list, by_slider = [], [], [], []
    page.press(Keys.HOME)
    for seen, move in ((by_key, lambda: page.press(Keys.ARROW_RIGHT)), (by_button, lambda: page.click("#forward"))):
        page.click("#first")
        for _ in range(steps - 1):
            seen.append(shown())
            move()
        seen.append(shown())
    for n in range(steps):
        page.click(f"#steps li:nth-child({n + 1}) button")
        by_list.append(shown())
    slider = page.driver.find_element(By.ID, "slider")
    for n in range(steps):
        room = slider.size["width"] - 16  # the thumb's middle goes no further
        ActionChains(page.driver).move_to_element_with_offset(slider, round(room * (n / (steps - 1) - 0.5)),
                                                              0).click().perform()
        by_slider.append(shown())
    for what, seen in (("#forward", by_button), ("the list of steps", by_list), ("the slider", by_slider)):
        page.expect(f"where clicks on {what} lead", seen, by_key)
    back = []
    page.click("#last")
    for _ in range(steps):
        back.append(shown())
        if page.driver.find_element(By.ID, "back").is_enabled():
            page.click("#back")
    page.expect("where clicks on #back lead", back, by_key[::-1])
    page.click("#fault")
    page.expect("where a click on ✕ leads", shown(), by_key[-1])


def check_death(page):
    page.expect("the step that died", page.text("#steps [aria-current=step]"), "✕ 3\ndouble_free #0")
    page.expect("what should have come of it", "M1: one report of DoubleFree" in page.text(".failure dl"), True)
    page.expect("the sanitizer's own sentence",
                "AddressSanitizer: use-after-poison on address 0x" in page.text(".failure dl"), True)
    page.expect("the first frames", "free cache_core.hpp:" in page.text(".failure dl"), True)
    page.expect("the report is folded up", page.text(".failure pre"), "")
    page.click(".failure summary")
    page.expect("the sanitizer's report", "AddressSanitizer" in page.text(".failure pre"), True)
    page.expect("the slab before it", [page.count(".slab .slot.live"), page.count(".slab .slot.free")], [1, 1])


def check_agreement(page):
    page.expect("the verdict", page.text("#verdict"), "agreed")
    page.expect("the first step is shown", page.text("#position"), "start")
    page.expect("nothing failed", page.driver.find_element(By.ID, "fault").is_displayed(), False)
    for _ in range(29):
        page.press(Keys.ARROW_RIGHT)
    page.expect("free lists of both caches", page.text("[data-slab=s1] .chain"), "free list: 1 → 0 → null")
    page.expect("two caches in the lists", ["c0 current" in page.text("#lists"), "c1 current" in page.text("#lists")],
                [True, True])
    page.press(Keys.END)
    page.expect("all slabs given back",
                [page.text("#position"), page.text("#steps [aria-current=step] .n"), page.count(".slab:not(.gone)")],
                ["end", "end", 0])


def check_damage(page):
    for _ in range(10):
        page.press(Keys.ARROW_RIGHT)
    page.expect("a stray write", [page.text("#steps [aria-current=step] .n"),
                                  "SlabInfo damaged" in page.text("[data-slab=s1] header")], ["9", True])
    page.press(Keys.END)
    page.press(Keys.ARROW_LEFT)
    page.expect("set aside", ["set aside" in page.text("[data-slab=s1]"), page.count("[data-slab=s1] .chain")],
                [True, 0])
    page.expect("in the lists", "set aside" in page.text("#lists"), True)


def check_quarantine(page):
    for _ in range(6):
        page.press(Keys.ARROW_RIGHT)
    page.expect("after three frees", page.text("#steps [aria-current=step]"), "5\nfree #2")
    page.expect("a slot that has left the quarantine, and two in it",
                [page.count(f"[data-slab=s1] .slot.{kind}") for kind in ("live", "free", "quarantined")], [0, 1, 2])
    page.expect("their turns", page.text("[data-slab=s1] .slots").split("\n")[:6],
                ["→ null", "0", "q 1", "1", "q 2", "2"])
    page.expect("the free list, which misses no slot", page.text("[data-slab=s1] .chain"), "free list: 0 → null")
    page.expect("the legend", "in quarantine" in page.text("#legend"), True)


def main():
    replay = sys.argv[1]
    if packages := missing():
        print(f"there is no browser to look at the page with: install {' '.join(packages)} (ci/setup --browser)")
        return 77
    two = planted_bugs.program(planted_bugs.MULTI, *(f"#{i} = alloc c{i % 2}" for i in range(24)),
                               *(f"free #{i}" for i in (0, 2, 5, 7)), "shrink c0", "reserve c1 3", caches=2)
    quarantine = planted_bugs.program(planted_bugs.SINGLE, *planted_bugs.allocs(3), *planted_bugs.frees(0, 1, 2),
                                      policy="Quarantine")
    pages = {"full_slab_stays_full": check_violation, "double_free_accepted": check_death, "agreed": check_agreement,
             "damaged-free-head-stops-no-alloc": check_damage, "quarantine": check_quarantine}
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        driver = browser()
        try:
            for name, check in pages.items():
                trace = pathlib.Path(folder) / f"{name}.trace"
                trace.write_text(two if name == "agreed" else quarantine if name == "quarantine"
                                 else (ROOT / f"corpus/regressions/{name}.trace").read_text() if "-" in name
                                 else planted_bugs.trace_of(planted_bugs.BUGS[planted_bugs.NUMBERS[name] - 1], ROOT))
                subprocess.run([replay, "--html", trace],
                               env=planted_bugs.environment(planted_bugs.NUMBERS.get(name, 0)),
                               stdout=subprocess.DEVNULL)
                page = Page(driver, pathlib.Path(f"{trace}.html"))
                check(page)
                for size in SIZES:
                    page.fits(*size)
                driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
                problems += page.problems + [f"{name}: the browser says: {entry['message']}"
                                             for entry in driver.get_log("browser")]
            requests = [entry["message"] for entry in driver.get_log("performance")
                        if '"Network.requestWillBeSent"' in entry["message"]]
            problems += [f"a request: {request}" for request in requests if '"url":"file://' not in request
                         and '"url":"data:' not in request]
        finally:
            driver.quit()
    print("\n".join(problems) or f"{len(pages)} pages, nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
