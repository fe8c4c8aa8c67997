"""For test runs only: on PYTHONPATH, it lets a CUDA build of torchvision be imported beside a CPU build of torch.

torchvision registers meta kernels for two operators of a compiled library that does not load here; vision models need
neither. They are declared when torchvision is first imported, so that processes without it never import torch.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

_KEPT: list[Any] = []  # a library's operators live as long as it does


class _Declaring(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name == "torchvision" and not _KEPT:
            import torch

            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _KEPT.append(library)
        return None


sys.meta_path.insert(0, _Declaring())
