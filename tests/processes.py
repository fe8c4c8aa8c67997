"""Several processes for tests: they start from one that has done the imports, which takes seconds in each otherwise."""

import multiprocessing

import torch.multiprocessing as mp

IMPORTED = [
    "pytest",
    "sklearn.naive_bayes",
    "torch.distributed",
    "torchmetrics",
    "bounds.evaluation",
    "bounds.complexity",
    "bounds.information",
]


def run_in_processes(function, arguments, count):
    """Run function(rank, *arguments) in `count` processes and wait; what one raises is raised here."""
    multiprocessing.set_forkserver_preload(IMPORTED)
    mp.start_processes(function, arguments, count, start_method="forkserver")
