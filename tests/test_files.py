"""Files that are whole, and the same bytes for the same content."""

import json
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from bounds.files import write_tensors

WRITE = """
import sys, torch
from bounds.files import write_tensors
notes = {"one": "1", "two": "{\\"a\\": 2}", "three": "", "four": "4", "five": "5", "six": "6"}
write_tensors(sys.argv[1], {"a": torch.arange(3), "b": torch.eye(2)}, notes)
"""


@pytest.mark.slow
def test_every_process_writes_the_same_bytes(tmp_path):
    for name in "012":
        subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / name)], check=True)
    found = {(tmp_path / name).read_bytes() for name in "012"}
    assert len(found) == 1


def notes_in(path):
    with safe_open(path, "pt") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=6))
def test_notes_and_tensors_come_back_and_notes_are_sorted(tmp_path_factory, notes):
    path = tmp_path_factory.mktemp("notes") / "file.safetensors"
    tensors = {"weights": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), "é": torch.arange(2)}
    write_tensors(path, tensors, notes)
    found, back = notes_in(path)
    assert found == notes
    assert all(torch.equal(back[name], one) for name, one in tensors.items())
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == sorted(notes)


def test_without_notes(tmp_path):
    write_tensors(tmp_path / "file", {"a": torch.ones(2, 3).T})
    assert notes_in(tmp_path / "file")[0] is None
