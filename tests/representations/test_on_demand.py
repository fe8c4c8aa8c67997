"""Rows by number, in memory or read when they are asked for."""

import numpy as np
import pytest
import torch

from bounds.errors import InvalidData
from bounds.representations import on_demand
from bounds.representations.normalization import Normalization
from bounds.representations.on_demand import OnDemand, read, rows_of
from bounds.representations.table import Representations

X = np.random.default_rng(0).normal(size=(5000, 6)).astype(np.float32)
TABLE = Normalization("l2").apply(Representations((X,)))
UNIT = torch.nn.functional.normalize(torch.from_numpy(X).double(), eps=0.0)


def test_few_rows_are_a_tensor_and_many_are_read(monkeypatch):
    items = np.random.default_rng(1).permutation(5000)[:4000]
    whole = rows_of(TABLE, "cpu", items)
    assert torch.allclose(whole, UNIT[items], rtol=1e-14)
    monkeypatch.setattr(on_demand, "HELD", 4000 * 6 - 1)
    stored = rows_of(TABLE, "cpu", items)
    assert isinstance(stored, OnDemand)
    assert stored.shape == whole.shape
    index = torch.tensor([3999, 0, 17, 17])
    assert torch.equal(stored[index], whole[index])
    assert torch.equal(stored[index.numpy()], whole[index])
    assert torch.equal(rows_of(TABLE, "cpu", items[:9]), whole[:9])


def test_a_row_without_numbers_is_named():
    broken = X.copy()
    broken[4321, 2] = np.nan
    with pytest.raises(InvalidData, match="row 4321"):
        read(Representations((broken,)), np.array([4321, 5]), "cpu")
    with pytest.raises(InvalidData, match="row 4321"):
        OnDemand(Representations((broken,)), np.arange(5000)[::-1])[torch.tensor([3, 5000 - 1 - 4321])]
