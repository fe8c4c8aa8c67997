"""A short seeded part of `python -m tests.kills`."""

import sys

import pytest

from bounds.errors import CannotWrite
from bounds.files import alone_in, whole_file, whole_folder
from tests import kills

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


@pytest.mark.slow
def test_nothing_is_lost_or_half_written(tmp_path):
    done = kills.trials(15, 0, tmp_path)
    assert not [one for one in done if one.fault]
    assert sum(one.kills for one in done) >= 15
    assert {one.kind for one in done} == {"kill", "full disk", "no place to write", "two at once"}


def fill_half(path):
    with whole_file(path) as part:
        part.write_text("half")
        raise OSError(28, "No space left on device")


def interrupt(folder):
    with whole_folder(folder) as part:
        (part / "half").write_text("1")
        raise KeyError("not an error of writing")


def test_a_file_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(CannotWrite, match="Cannot write"):
        fill_half(path)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    with whole_file(path) as part:
        part.write_text("after")
    assert path.read_text() == "after"
    with pytest.raises(CannotWrite), whole_file(tmp_path / "none" / "a.txt"):
        pass


def test_a_folder_appears_whole(tmp_path):
    with pytest.raises(KeyError):
        interrupt(tmp_path / "new")
    assert not list(tmp_path.iterdir())
    with whole_folder(tmp_path / "new") as part:
        (part / "whole").write_text("1")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["whole"]
    with pytest.raises(CannotWrite), whole_folder(tmp_path / "new") as part:
        (part / "other").write_text("1")


def test_two_runs_never_share_a_folder(tmp_path):
    with (
        alone_in(tmp_path / "run"),
        pytest.raises(CannotWrite, match="Another run"),
        alone_in(tmp_path / "run"),
    ):
        pass
    with alone_in(tmp_path / "run"):
        pass
