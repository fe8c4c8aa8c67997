"""The callback of `representation_metric`'s docstring, driven as a trainer drives it, and a loop that it stops."""

import inspect
import re
import textwrap
from types import SimpleNamespace

import pytest
import torch

import bounds
from bounds import metrics

pytest.importorskip("torchmetrics")


def documented_callback() -> type:
    """The class as the docstring shows it, on a stand-in for Lightning."""
    text = inspect.getdoc(metrics.representation_metric)
    code = textwrap.dedent(re.search(r"^( +class Measures.*?)\n\nArgs:", text, re.M | re.S)[1])
    lightning = SimpleNamespace(pytorch=SimpleNamespace(Callback=object))
    scope = {"lightning": lightning, "representation_metric": metrics.representation_metric}
    exec(code, scope)
    return scope["Measures"]


class Module(torch.nn.Linear):
    dim = 5

    def log_dict(self, found):
        self.logged = found


def test_the_documented_callback_logs_the_measures_of_each_epoch():
    g = torch.Generator().manual_seed(0)
    callback, module = documented_callback()(), Module(7, 5)
    callback.on_fit_start(None, module)
    for _ in range(2):
        batches = [torch.randn(2, 30, 7, generator=g) for _ in range(3)]
        with torch.no_grad():
            for number, batch in enumerate(batches):
                callback.on_validation_batch_end(None, module, None, batch, number)
            callback.on_validation_epoch_end(None, module)
            whole = torch.cat(batches, dim=1)
            expected = bounds.monitor(module(whole[0]), module(whole[1]))
        assert module.logged == pytest.approx(expected, rel=1e-5)


def test_a_loop_stops_when_directions_are_lost():
    """An encoder that learns to agree by collapsing: its rank says so before the loss does."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(200, 6, generator=g)
    weight = torch.randn(6, 6, generator=g, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.05)
    ranks = []
    for _ in range(400):
        z1, z2 = x @ weight, (x + 0.3 * torch.randn(200, 6, generator=g)) @ weight
        loss = (z1 - z2).square().mean() - 0.05 * z1[:, 0].var()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ranks.append(bounds.monitor(z1, z2)["effective_rank"])
        if ranks[-1] < 0.6 * ranks[0]:
            break
    assert len(ranks) < 400
    assert torch.isfinite(loss)
