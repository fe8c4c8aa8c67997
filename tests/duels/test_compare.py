"""Reports on the same test items are compared item by item, also after they were saved."""

import html
import json
import re

import numpy as np
import pytest

import bounds
from bounds.duels import paired
from bounds.duels.signs import holm
from bounds.errors import InvalidInput
from bounds.report import schema

R = np.random.default_rng(0)
Z = R.standard_normal((500, 8)).astype(np.float32)
Y = (Z[:, :3] + 0.5 * R.standard_normal((500, 3))).argmax(1)
LABELED, TEST = (Z[:200], Y[:200]), (Z[200:], Y[200:])
ENCODERS = {"left": lambda x: x[:, :2], "part": lambda x: x[:, :3], "whole": lambda x: x}


@pytest.fixture(scope="module")
def reports():
    return {
        name: bounds.evaluate(one, LABELED, test=TEST, bounds=["test_set"], progress=False)
        for name, one in ENCODERS.items()
    }


def test_the_paired_table_is_the_comparison_of_the_predictions(reports):
    rows = bounds.compare(reports).paired()
    assert list(zip(rows["encoder"], rows["other"], strict=True)) == [
        ("left", "part"),
        ("left", "whole"),
        ("part", "whole"),
    ]
    predicted = {
        name: report["test_set"].predictor.predict(TEST[0]).labels for name, report in reports.items()
    }
    found = [
        paired(predicted[a], predicted[b], TEST[1], 0.05 / 3)
        for a, b in zip(rows["encoder"], rows["other"], strict=True)
    ]
    assert rows[["low", "high"]].to_numpy().tolist() == [list(one.interval) for one in found]
    assert rows["p_value"].tolist() == holm(np.array([one.p_value for one in found])).tolist()
    assert rows["only_right"].tolist() == [one.plus for one in found]
    assert "exact p" in str(bounds.compare(reports))


def test_the_pages_show_the_paired_table(reports):
    made = bounds.compare({"<b>left</b>" if name == "left" else name: one for name, one in reports.items()})
    for page in (made.to_html(), made._repr_html_()):
        table = page[page.index("Item by item") : page.index("Bound by bound")]
        rows = [
            [
                html.unescape(cell)
                for cell in re.findall(r"<t[hd][^>]*>(?:<bdi>)?(.*?)(?:</bdi>)?</t[hd]>", row)
            ]
            for row in re.findall("<tr>(.*?)</tr>", table)[1:]
        ]
        expected = made.paired()
        assert [row[0] for row in rows] == ["part − <b>left</b>", "whole − <b>left</b>", "whole − part"]
        for row, one in zip(rows, expected.to_dict("records"), strict=True):
            low, high = row[2].split(" to ")
            shown = [float(row[1]) / 100, float(low) / 100, float(high) / 100]
            assert shown == pytest.approx([one["difference"], one["low"], one["high"]], abs=1.001e-4)
            assert shown[1] <= one["low"], "rounded outwards"
            assert shown[2] >= one["high"], "rounded outwards"
            assert float(row[3]) == pytest.approx(one["p_value"], rel=0.06)
        assert "<b>left" not in table
    alone = bounds.compare({"left": reports["left"]})
    assert "Item by item" not in alone.to_html()


def test_it_survives_saving(reports):
    texts = {name: report.to_json() for name, report in reports.items()}
    saved = {name: bounds.Report.from_dict(json.loads(text)) for name, text in texts.items()}
    again, before = bounds.compare(saved).paired(), bounds.compare(reports).paired()
    assert again.equals(before)
    pytest.importorskip("jsonschema").validate(json.loads(texts["left"]), schema())


def test_other_test_items_are_not_compared(reports):
    other = bounds.evaluate(
        ENCODERS["part"], LABELED, test=(Z[201:], Y[201:]), bounds=["test_set"], progress=False
    )
    none = bounds.evaluate(ENCODERS["part"], LABELED, bounds=["held_out"], progress=False)
    rows = bounds.compare({"left": reports["left"], "other": other, "none": none}).paired()
    assert len(rows) == 0
    assert "exact p" not in str(bounds.compare({"left": reports["left"], "other": other}))


def test_copies_of_labeled_rows_speak_against_every_claim():
    test = (np.concatenate([TEST[0], Z[:100]]), np.concatenate([TEST[1], Y[:100]]))
    made = {
        name: bounds.evaluate(ENCODERS[name], LABELED, test=test, bounds=["test_set"], progress=False)
        for name in ("left", "whole")
    }
    (row,) = bounds.compare(made).paired().to_dict("records")
    labels = np.where(np.arange(400) < 300, test[1], -1)
    a, b = (made[name].tested.predicted for name in ("left", "whole"))
    assert (row["low"], row["high"]) == paired(a, b, labels, 0.05).interval


def test_damaged_columns_are_refused(reports):
    plain = reports["left"].to_dict()
    for name, value in (("labels", "x"), ("predicted", ""), ("count", 7), ("count", "x"), ("items", None)):
        tested = plain["tested"] | {name: value}
        if name == "items":
            tested.pop("items")
        with pytest.raises(InvalidInput):
            bounds.Report.from_dict(plain | {"tested": tested})


def test_holm():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([])).tolist() == []
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="statsmodels is not installed")
    p = np.random.default_rng(0).random(20) ** 3
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1], rel=1e-12)
