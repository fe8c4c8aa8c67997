"""Questions, answers and the contact sheet: files that say nothing of who predicted what, and lose nothing."""

import csv

import numpy as np
import pytest

import bounds
from bounds.errors import InvalidData
from tests.report.browser import CHROMIUM, Browser
from tests.report.conftest import HOSTILE

R = np.random.default_rng(0)
IMAGES = R.integers(0, 255, (40, 3, 8, 8), dtype=np.uint8)
IMAGES[39] = IMAGES[38]
TRUTH = R.integers(0, 3, 40)
A, B = R.integers(0, 3, 40), R.integers(0, 3, 40)
A[38:], B[38:], TRUTH[38:] = 0, 1, 0


def duel():
    return bounds.duel(A, B, unlabeled=IMAGES, num_classes=3)


def test_equal_images_are_found():
    assert duel().panel.repeated == 1


def test_questions_are_answered_in_the_file(tmp_path):
    one = duel()
    asked = one.to_label
    assert one.write_questions(tmp_path / "ask.csv", 6) == 6
    rows = list(csv.DictReader((tmp_path / "ask.csv").open()))
    assert list(rows[0]) == ["position", "item", "path", "label"]
    assert [int(row["item"]) for row in rows] == asked[:6].tolist()
    for row in rows[:4]:
        row["label"] = str(TRUTH[int(row["item"])])
    rows[4]["label"] = "cannot tell"
    with (tmp_path / "answers.csv").open("w") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    assert one.read_answers(tmp_path / "answers.csv") == 5
    assert one.labels == 5
    assert one.to_label.tolist() == asked[5:].tolist()
    assert one.read_answers(tmp_path / "answers.csv") == 5  # the same again changes nothing
    assert one.labels == 5


@pytest.mark.parametrize(
    "text", ["", "item\n1\n", "a,b\n1,2\n", "item,label\n", "item,label\nx,1\n", "\x00\xff"]
)
def test_a_file_that_holds_no_answers(text, tmp_path):
    (tmp_path / "answers.csv").write_text(text, encoding="latin-1")
    with pytest.raises(InvalidData):
        duel().read_answers(tmp_path / "answers.csv")


def test_the_sheet_needs_images(tmp_path):
    for images in (np.zeros((40, 3)), IMAGES[:2]):
        with pytest.raises(InvalidData, match="`images`"):
            duel().contact_sheet(tmp_path / "sheet.html", images)
    bounds.duel(A, A).contact_sheet(tmp_path / "sheet.html")  # nothing to ask


def test_the_sheet_does_not_say_who_predicted_what(tmp_path):
    one = duel()
    one.contact_sheet(tmp_path / "sheet.html", IMAGES)
    before = (tmp_path / "sheet.html").read_bytes()
    swapped = bounds.duel(B, A, unlabeled=IMAGES, num_classes=3)
    swapped.contact_sheet(tmp_path / "sheet.html", IMAGES)
    assert (tmp_path / "sheet.html").read_bytes() == before


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_sheet_writes_the_answers_in_a_browser(tmp_path):
    one = duel()
    names = (*HOSTILE[:3], 'a, "b"')
    object.__setattr__(one.panel, "class_names", names)
    one.paths = [f"<b>{row}</b>, x" for row in range(40)]
    asked = one.to_label
    one.contact_sheet(tmp_path / "sheet.html", IMAGES, 5)
    browser = Browser()
    try:
        browser.open(tmp_path / "sheet.html")
        assert browser.run("document.querySelectorAll('img').length") == 5
        assert browser.run("[...document.images].every((one) => one.naturalWidth === 8)")
        browser.run(
            "figures.slice(0, 4).forEach((f, i) => { field(f).value = field(f).options[i + 1].value;"
            " field(f).dispatchEvent(new Event('input', {bubbles: true})) }); 0"
        )
        assert browser.run("document.getElementById('count').textContent") == "4 of 5 labeled"
        browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
        browser.run("document.getElementById('write').click(); new Promise((done) => setTimeout(done, 1500))")
        (tmp_path / "table.csv").write_text(browser.run("table()"), encoding="utf-8")
        assert browser.faults() == []
    finally:
        browser.close()
    assert (tmp_path / "answers.csv").read_text() == (tmp_path / "table.csv").read_text()
    assert one.read_answers(tmp_path / "answers.csv") == 4
    assert one.answers.labels(asked[:5]).tolist() == [0, 1, 2, 3, -2]
