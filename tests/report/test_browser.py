"""The page in a real browser: it folds, sorts, filters, fits a phone, has a dark side, and runs nobody else's script."""

import pytest

import bounds
from tests.report.browser import CHROMIUM, Browser
from tests.report.conftest import HOSTILE, hostile

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def browser():
    made = Browser()
    yield made
    made.close()


@pytest.fixture
def page(whole, browser, tmp_path):
    whole.to_html(tmp_path / "report.html")
    browser.resize(1100, 900)
    browser.open(tmp_path / "report.html")
    return browser


ROWS = "[...document.querySelectorAll('.all tbody tr')].filter((row) => !row.hidden)"


def column(page, number):
    return page.run(
        f"{ROWS}.map((row) => row.cells[{number}].dataset.value ?? row.cells[{number}].textContent)"
    )


def test_it_answers_first_on_the_first_screen(whole, page, tmp_path):
    place = page.run("document.querySelector('.answer').getBoundingClientRect().bottom")
    assert 0 < place < 300
    assert page.run("document.querySelector('.answer').textContent") == whole.verdict.answer
    assert page.faults() == []
    page.screenshot(tmp_path / "screen.png")
    assert (tmp_path / "screen.png").read_bytes().startswith(b"\x89PNG")


def test_a_click_sorts_by_number_and_a_second_one_the_other_way(whole, page):
    click = "document.querySelectorAll('.all thead button')[3].click()"
    page.run(click)
    found = [float(one) for one in column(page, 3)]
    assert found == sorted(bound.value for bound in whole)
    head = "document.querySelectorAll('.all thead th')[3].getAttribute('aria-sort')"
    assert page.run(head) == "ascending"
    page.run(click)
    assert [float(one) for one in column(page, 3)] == sorted((bound.value for bound in whole), reverse=True)
    assert page.run(head) == "descending"
    page.run("document.querySelectorAll('.all thead button')[2].click()")
    errors = column(page, 2)
    known = [one for one in errors if one]
    assert [float(one) for one in known] == sorted(b.error_rate for b in whole if b.error_rate is not None)
    assert errors[: len(known)] == known  # bounds without an error rate come last


@pytest.mark.parametrize(
    ("choice", "value", "kept"),
    [
        ("certified", "yes", lambda bound: bound.certified),
        ("certified", "no", lambda bound: not bound.certified),
        ("vacuous", "no", lambda bound: not bound.vacuous),
        ("axis", "loss", lambda bound: bound.axis.name == "loss"),
        ("words", "vicreg_", lambda bound: "vicreg_" in bound.name),
    ],
)
def test_filters_keep_what_they_say_and_count_it(whole, page, choice, value, kept):
    page.run(
        f"one = document.querySelector('[data-filter={choice}]'); one.value = '{value}';"
        "one.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    wanted = {bound.name for bound in whole if kept(bound)}
    assert set(column(page, 1)) == wanted
    assert wanted
    said = page.run("document.querySelector('[role=status]').textContent")
    assert said == f"{len(wanted)} of {len(whole)} bounds shown"


def test_families_fold_and_a_link_to_a_bound_unfolds_it(page):
    shown = "document.getElementById('r0-test_set').checkVisibility()"
    assert page.run("document.querySelectorAll('details[open]').length") == 0
    assert not page.run(shown)
    page.run("document.querySelector('.all a[href=\"#r0-test_set\"]').click()")
    page.run("new Promise((done) => setTimeout(done, 200))")
    assert page.run(shown)
    assert page.run("document.querySelector('#r0-test_set math').getBoundingClientRect().width") > 5


def test_everything_to_click_is_reached_by_keyboard_and_has_a_name(page):
    clickable = "document.querySelectorAll('button, summary, select, input, a')"
    assert page.run(f"[...{clickable}].every((one) => one.tabIndex === 0)")
    named = "one.textContent.trim() || one.labels?.[0]?.textContent.trim() || one.getAttribute('aria-label')"
    assert page.run(f"[...{clickable}].every((one) => {named})")
    assert page.run("document.documentElement.lang") == "en"
    assert page.run("document.querySelectorAll('h1').length") == 1
    assert page.run("[...document.querySelectorAll('table')].every((t) => t.querySelector('th[scope]'))")
    page.run("document.querySelector('summary').focus()")
    for kind in ("keyDown", "keyUp"):
        page.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key="Enter",
            code="Enter",
            windowsVirtualKeyCode=13,
            text="\r",
        )
    assert page.run("document.querySelector('summary').parentElement.open")


def test_on_a_phone_nothing_runs_out_of_the_page(page, tmp_path):
    page.resize(390, 800)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.run("document.querySelector('.answer').getBoundingClientRect().bottom") < 400


def test_light_and_dark_both_have_contrast(page):
    contrast = """(() => {
      const light = (text) => { const c = text.match(/[\\d.]+/g).slice(0, 3).map((v) => {
        v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
        return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2] };
      const page = light(getComputedStyle(document.querySelector('.bounds')).backgroundColor);
      return ['.answer', '.soft', 'p', 'a', '.no', '.yes', 'td'].map((name) => {
        const found = document.querySelector('.bounds ' + name); if (!found) return 21;
        const ink = light(getComputedStyle(found).color);
        return (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05) }) })()"""
    for dark in (False, True):
        page.dark(dark)
        assert min(page.run(contrast)) >= 4.5
    grounds = []
    for dark in (False, True):
        page.dark(dark)
        grounds.append(page.run("getComputedStyle(document.querySelector('.bounds')).backgroundColor"))
    assert grounds[0] != grounds[1]
    page.dark(False)


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_elses_script_runs(whole, browser, tmp_path, text):
    bounds.compare({text: hostile(whole, text), "b": whole}).to_html(tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    assert browser.faults() == []
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert browser.run("document.querySelectorAll('img, iframe, object, embed, link').length") == 0
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
