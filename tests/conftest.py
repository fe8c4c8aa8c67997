"""Shared test settings: hypothesis profiles, and one place that finds the real images."""

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # one worker a core

_SHARED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
# A default run tries the same examples every time; `--hypothesis-profile=fuzz` draws new ones (see .ci/fuzz).
settings.register_profile("bounds", **_SHARED, derandomize=True, database=None)
settings.register_profile("fuzz", **_SHARED, print_blob=True)
settings.load_profile("bounds")


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis tries constants of the modules imported so far, and which these are depends on the tests before."""
    if config.getoption("--hypothesis-profile", None):
        return
    with suppress(ImportError, AttributeError):  # older versions try none
        from hypothesis.internal.conjecture import providers

        empty = {kind: providers.SortedSet() for kind in ("integers", "floats", "bytes", "strings")}
        none = providers.Constants(**empty)
        providers._get_local_constants = lambda: none  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Each test starts from the same random state, whatever ran before it in the same process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Many small problems: threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def image_data() -> Path:
    """Folder of real image data sets, or skip: these tests need files that the package does not ship."""
    folder = Path(os.environ.get("BOUNDS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real images not found at {folder}; set BOUNDS_DATA to the folder that holds cifar10/")
    return folder
