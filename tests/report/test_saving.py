"""Saved reports follow the published schema, are read back whole, and older ones are read too."""

import csv
import json
from pathlib import Path

import pytest

import bounds
from bounds.report import schema
from bounds.report.saving import json_text, json_values
from tests.report.conftest import HOSTILE, hostile

OLD = Path(__file__).parents[1] / "data" / "v0_1_0" / "report.json"
jsonschema = pytest.importorskip("jsonschema")


def test_what_is_written_follows_the_published_schema(whole):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(whole.to_json()), schema())
    broken = {**json.loads(whole.to_json()), "delta": "small"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema())


def test_a_report_of_the_first_format_is_read_and_written_in_this_one(tmp_path):
    old = json.loads(OLD.read_text())
    assert old["format"] == 1
    report = bounds.Report.from_json(OLD)
    report.to_json(tmp_path / "report.json")
    new = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(new, schema())
    assert new["format"] == 2
    assert new["verdict"]["answer"] == report.verdict.answer
    assert {name: one["value"] for name, one in new["bounds"].items()} == {
        name: one["value"] for name, one in old["bounds"].items()
    }
    assert bounds.Report.from_json(tmp_path / "report.json") == report


def test_infinities_come_back():
    values = {"a": [float("inf"), -float("inf"), 0.5], "b": {"c": "word"}}
    assert json_values(json.loads(json_text(values))) == values


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_come_back_as_they_were(whole, text, tmp_path):
    report = hostile(whole, text)
    report.to_json(tmp_path / "report.json")
    again = bounds.Report.from_json(tmp_path / "report.json")
    assert again.name == text
    assert again[text].title == text
    assert again.not_applicable == {text: text}
    jsonschema.validate(json.loads(report.to_json()), schema())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_come_back_from_a_csv_and_do_not_steer_a_terminal(whole, text, tmp_path):
    report = hostile(whole, text)
    both = bounds.compare({text: report, "b": whole})
    for frame in (both.to_frame(), report.table().reset_index()):
        frame.to_csv(tmp_path / "frame.csv", index=False)
        # Not read by pandas, which before 3 cuts at a null byte.
        with (tmp_path / "frame.csv").open(newline="") as stream:
            again = [row["bound"] for row in csv.DictReader(stream)]
        assert again == list(frame["bound"])
        assert text in again
    for said in (repr(report), report.to_text(), repr(both), str(report.plan(0.1))):
        assert not {one for one in said if one != "\n" and not one.isprintable()}
        assert "\u202e" not in said
    for said in (repr(report), report.to_text(), repr(both)):
        assert max(map(len, said.splitlines())) <= 100
