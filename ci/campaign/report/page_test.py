#!/usr/bin/python3
"""The page of ci/fuzz --report in a browser: the plots are drawn, the numbers are those of a history made up here, a
crash is shown, and what its files say is never run. Exit 77, and what to install, where there is no browser."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])  # modules are named from ci/ on
from campaign.crashes.facts import Facts
from campaign.crashes.files import Crash, beside
from campaign.report import report
from shared import child_process
from shared.browser import SIZES, Page, browser, missing

try:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
    from selenium.webdriver.common.keys import Keys
except ImportError:
    pass  # missing() says so

HOSTILE = ("</script ><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\"> & \u2028 "
           "@CHART@ @FACTS@")
ODD_NAME = os.fsdecode(b"fuzz_large-\xff %#?")
SECONDS, LAST_NEW = 7200, 5400
DIED = Facts("died", "program", "died:AddressSanitizer@free/free",
             "died at step 2 (free): AddressSanitizer: SEGV in free", 2, "free", None, "one report of DoubleFree", None,
             "AddressSanitizer: SEGV", "free", ["free", "put_slot"], 3)


def sample(target, seconds, **others):
    """A target that runs 100 inputs and 5,000 operations a second, and covers nothing new after LAST_NEW seconds."""
    reached = min(seconds, LAST_NEW)
    values = {"time": "2026-11-24 17:00:00 UTC", "target": target, "engine": "libFuzzer", "build": "b",
              "seconds": seconds, "inputs": 100 * seconds, "operations": 5000 * seconds, "states": 1000 + reached,
              "cov": 100 + reached // 60, "ft": 4000 + reached // 30, "corpus": 10 + seconds // 60}
    return json.dumps({**values, **others}) + "\n"


def fill(out):
    lines = [sample("fuzz_large", seconds) for seconds in range(60, SECONDS + 1, 60)]
    lines[20:20] = ['{"half a li\n', "[]\n",
                    *(sample("fuzz_large", 9).replace('"seconds": 9', f'"seconds": {text}')
                      for text in ('"soon"', "-1", "null", "1e999"))]
    # Another build reaches less; a second run loads its corpus again; the clock jumps back; one engine tells no cov.
    lines += [sample("fuzz_small_multi_page", 100, cov=90, ft=900),
              sample("fuzz_small_multi_page", 200, cov=50, ft=500, build="c"),
              sample("fuzz_small_multi_page", 300, cov=60, ft=500, build="c"),
              sample("fuzz_small_multi_page", 345, cov=20, ft=500, build="c", time="1970-01-01 00:00:00 UTC"),
              sample("fuzz_small_multi_page", 50, engine="AFL++ " + HOSTILE, cov=None, ft=None, states=None),
              sample("fuzz_geometry", 3, states=None),
              # Each run counts the states that it sees itself; another build sees others.
              *(sample("fuzz_trace", 100 + i, states=states, build=build, commit="0123456789+", compiler="Clang 19.1.7")
                for i, (states, build) in enumerate([(10, "b"), (30, "b"), (5, "b"), (20, "b"), (4, "c"), (2, "c")]))]
    (out / "history.jsonl").write_text("".join(lines) + lines[0][:-9])
    crashes = out / "crashes"
    crashes.mkdir()
    first, second = crashes / "fuzz_large-0123456789ab", crashes / "fuzz_large-ba9876543210"
    for path, times in ((first, 2), (second, 3)):
        path.write_bytes(b"bytes")
        Crash(path, "L6/free", "fuzz_large", "libFuzzer", "2026-11-24 17:0%d:00 UTC" % times, times, DIED).save()
    beside(second, ".min").write_bytes(b"small")
    beside(second, ".min.trace").write_text(f"slabproof trace 1\n{HOSTILE}\n" + "shrink c0\n" * 100 + "x" * 500 + "\n")
    beside(second, ".min.html").write_text("<title>the page</title>")
    (crashes / ODD_NAME).write_bytes(b"")
    beside(crashes / ODD_NAME, ".txt").write_text("what the replay tool said\n")
    Crash(crashes / ODD_NAME, f"M1/{HOSTILE}").save()


def tiles(page, target, engine="libFuzzer"):
    return page.driver.execute_script("""
        const [target, engine] = arguments, cards = [...document.querySelectorAll('[data-target]')];
        const card = cards.find(c => c.dataset.target === target && c.dataset.engine === engine);
        const text = (tile, what) => tile.querySelector(what).textContent;
        return Object.fromEntries([...card.querySelectorAll('.tile')].map(t => [text(t, 'dt'), text(t, 'dd')]));""",
                                      target, engine)


def check_numbers(page):
    page.expect("a target", tiles(page, "fuzz_large"), {
        "time fuzzed": "2:00:00", "since new cov": "30:00", "inputs/s": "100", "operations/s": "5,000", "cov": "190",
        "ft": "4,180", "states": "6,400", "corpus": "130"})
    page.expect("one whose newest build reaches less", tiles(page, "fuzz_small_multi_page")["since new cov"], "0:45")
    page.expect("one that tells no coverage",
                [tiles(page, "fuzz_small_multi_page", "AFL++ " + HOSTILE)[name]
                 for name in ("since new cov", "cov", "states", "inputs/s")], ["–"] * 4)
    page.expect("all targets", [e.text for e in page.driver.find_elements("css selector", "#totals dd")],
                ["2:08:23", "770.3K", "38.5M", "2"])
    page.expect("states do not fall, but for another build", page.driver.execute_script(
        "return plots.find(p => p.section.target === 'fuzz_trace' && p.lines[0][0] === "
        "'states').chart.data.datasets[0].data.map(d => d.y)"),
        [10, 30, 30, 30, 4, 4])
    head = page.driver.find_element("css selector", "[data-target=fuzz_trace] .head").text
    page.expect(f"the build in {head}", "commit 0123456789+, Clang 19.1.7" in head, True)


def check_explanations(page):
    """Of cov, ft and states, to be seen beside the plots and at the numbers."""
    captions = [e.text for e in page.driver.find_elements("css selector", "[data-target=fuzz_large] figcaption")]
    for words in ("cov: edges of the code", "ft: edges told apart by how often",
                  "abstract states of caches that were seen", "inputs that are kept", "A new build starts from zero"):
        page.expect(f"“{words}” in {captions}", any(words in caption for caption in captions), True)
    titles = page.driver.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('[data-target=fuzz_large] .tile')].map(t => "
        "[t.querySelector('dt').textContent, t.title]))")
    for name in ("cov", "ft", "states", "corpus"):
        page.expect(f"what {name} is", titles[name] in " ".join(captions) and len(titles[name]) > 20, True)


def check_plots(page):
    drawn = page.driver.execute_script("""
        return [...document.querySelectorAll('canvas')].map(canvas => {
          const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          const accent = [0x1f, 0x6f, 0xeb];
          let line = 0;
          const is_near = i => accent.every((c, j) => Math.abs(pixels[i + j] - c) < 40);
          for (let i = 0; i < pixels.length; i += 4) line += is_near(i) && pixels[i + 3] > 200;
          return [canvas.getAttribute('aria-label'), canvas.width > 200 && canvas.height > 150, line > 100];
        });""")
    page.expect("plots of fuzz_large", [d for d in drawn if "fuzz_large" in d[0]], [
        [f"{what} of fuzz_large over the time fuzzed", True, True]
        for what in ("Coverage", "Abstract states of caches", "Speed", "Corpus")])
    page.expect("plots of one without abstract states", sum("fuzz_geometry" in d[0] for d in drawn), 2)
    axes = page.driver.execute_script(
        "return plots.flatMap(plot => Object.values(plot.chart.scales).map(scale => scale.options.title.text))")
    page.expect("axes without a label", [axis for axis in axes if not axis], [])
    page.expect("the time", "time fuzzed (minutes)" in axes and "inputs a second" in axes, True)
    ends = page.driver.execute_script(
        "const [cov] = plots.find(p => p.section.target === 'fuzz_large').chart.data.datasets; return "
        "[cov.data.length, cov.data.at(-1)]")
    page.expect("the plot's last point", ends, [120, {"x": 120, "y": 190}])


def check_crashes(page):
    cards = page.driver.find_elements("css selector", ".card.crash")
    page.expect("a card a signature",
                [card.find_element("tag name", "h3").get_attribute("textContent") for card in cards],
                ["L6/free", "M1/" + HOSTILE])
    text = cards[0].text
    for words in ("met 5 times", "first 2026-11-24 17:02:00 UTC", "2 files", "ci/replay",
                  "fuzz_large-ba9876543210.min"):
        page.expect(f"“{words}” in {text}", words in text, True)
    page.expect("the death's own sentence", cards[0].find_element("css selector", ".said").text, DIED.sentence)
    page.expect("and what should have been",
                [e.text for e in cards[0].find_elements("css selector", ".expected dt, .expected dd")],
                ["expected", "one report of DoubleFree", "in", "free, called by put_slot"])
    trace = cards[0].find_element("tag name", "pre")
    page.expect("the trace as it is", trace.get_attribute("textContent").split("\n")[:2],
                ["slabproof trace 1", HOSTILE])
    page.expect("in a box of its own",
                page.driver.execute_script(
                    "return arguments[0].scrollHeight > arguments[0].clientHeight && arguments[0].clientHeight <= 300",
                    trace), True)
    page.expect("nothing of it was run", [page.driver.title, page.count("img"), page.count("script")],
                ["slabproof fuzzing report", 0, 3])
    page.expect("a link to whatever name",
                cards[1].find_element("link text",
                                      "report").get_attribute("href").endswith(
                                          "/crashes/fuzz_large-%FF%20%25%23%3F.txt"), True)


def check_keys_and_mouse(page):
    """The same by either: a crash's page opens, a trace scrolls, a line of a plot is hidden, its numbers are shown."""
    driver = page.driver
    link = lambda: driver.find_element("link text", "step through it")
    trace = lambda: driver.find_element("css selector", ".card.crash pre")
    mouse = lambda: ActionChains(driver, duration=0)

    def tabs_to(element):
        driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        for _ in range(30):
            mouse().send_keys(Keys.TAB).perform()
            if driver.switch_to.active_element == element():
                return True
        return False

    page.expect("the trace by the keyboard", tabs_to(trace), True)
    mouse().send_keys(Keys.END).perform()
    page.wait("it is scrolled", "return document.querySelector('.card.crash pre').scrollTop > 0")
    driver.execute_script("document.querySelector('.card.crash pre').scrollTop = 0")
    mouse().scroll_to_element(trace()).perform()
    mouse().scroll_from_origin(ScrollOrigin.from_element(trace()), 0, 200).perform()
    page.wait("it is scrolled by the wheel", "return document.querySelector('.card.crash pre').scrollTop > 0")

    page.expect("the link by the keyboard", tabs_to(link), True)
    mouse().send_keys(Keys.ENTER).perform()
    page.wait("its page by a key", "return document.title === 'the page'")
    driver.back()
    mouse().scroll_to_element(link()).perform()
    mouse().click(link()).perform()
    page.wait("its page by a click", "return document.title === 'the page'")
    driver.back()

    canvas = driver.find_element("css selector", "[data-target=fuzz_large] canvas")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    mouse().move_to_element(canvas).perform()
    page.wait("a plot tells its numbers under the mouse",
              "const {chart} = plots.find(p => p.section.target === 'fuzz_large'); return chart.tooltip.opacity > 0 "
              "&& chart.tooltip.body.flatMap(b => b.lines).join().includes('cov: ')")
    box = "const {chart} = plots.find(p => p.section.target === 'fuzz_large'), hit = chart.legend.legendHitBoxes[1]; "
    x, y = driver.execute_script(
        box + "return [hit.left + hit.width / 2 - chart.width / 2, hit.top + hit.height / 2 - chart.height / "
              "2].map(Math.round)")
    mouse().move_to_element_with_offset(canvas, x, y).click().perform()
    page.wait("a click in the legend hides the line",
              box + "return chart.isDatasetVisible(0) && !chart.isDatasetVisible(1)")
    mouse().move_to_element_with_offset(canvas, x, y).click().perform()
    page.wait("and another one shows it", box + "return chart.isDatasetVisible(1)")


def main():
    if packages := missing():
        print(f"there is no browser to look at the page with: install {' '.join(packages)} (ci/setup --browser)")
        return 77
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        out, printed = pathlib.Path(folder), io.StringIO()
        fill(out)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            chart, report.CHART = report.CHART, out / "missing"
            if report.write_report(out, "ci/fuzz",
                                   child_process.Requests()) != 2 or "install libjs-chart.js" not in printed.getvalue():
                problems.append(f"without Chart.js: {printed.getvalue()}")
            report.CHART = chart
            if report.write_report(out, "ci/fuzz", child_process.Requests()) != 0:
                problems.append(printed.getvalue())
        driver = browser()
        try:
            page = Page(driver, out / "report.html")
            for check in (check_numbers, check_explanations, check_plots, check_crashes, check_keys_and_mouse):
                check(page)
            for size in SIZES:
                page.fits(*size)
            problems += page.problems + [f"the browser says: {entry['message']}" for entry in driver.get_log("browser")]
            requests = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")
                        if '"Network.requestWillBeSent"' in entry["message"]]
            own = [out.as_uri() + "/" + name for name in ("report.html", "crashes/fuzz_large-ba9876543210.min.html")]
            problems += [f"a request: {r['params']['request']['url']}" for r in requests
                         if r["params"]["request"]["url"] not in own]
        finally:
            driver.quit()
    print("\n".join(problems) or "nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
