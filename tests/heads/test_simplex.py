"""The projection on the simplex against the sorted form of it, and what the theory uses."""

import pytest
import torch

from bounds.heads.simplex import project_simplex


def sorted_form(u):
    largest = u.sort(1, descending=True).values
    over = (largest.cumsum(1) - 1.0) / torch.arange(1, u.shape[1] + 1)
    kept = (largest > over).sum(1, keepdim=True)
    return (u - over.gather(1, kept - 1)).clamp_min(0.0)


@pytest.mark.parametrize("classes", [1, 2, 7, 100])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_rows_are_projected_on_what_is_nonnegative_and_sums_to_one(classes, scale):
    u = scale * torch.randn(
        50, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(classes)
    )
    found = project_simplex(u)
    torch.testing.assert_close(found, sorted_form(u), rtol=0, atol=1e-9 if scale > 1 else 1e-14)
    assert bool((found >= 0).all())
    torch.testing.assert_close(found.sum(1), torch.ones(50, dtype=torch.float64))


def test_one_hot_rows_stay():
    assert torch.equal(project_simplex(torch.eye(5)), torch.eye(5))
