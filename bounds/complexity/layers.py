r"""A trained network read as a graph of linear operators and 1-Lipschitz maps, with the norms that bound it.

Every node gets a Lipschitz bound from the input (sums over the branches of a residual block: ||x + g(x)||
gives 1 + L) and a bound of its output at x = 0; every linear operator also gets the Lipschitz bound from its
output to the network's. Batch norm uses its frozen statistics and is folded into the convolution before it.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from bounds.complexity.networks import in_place
from bounds.complexity.operator_norm import convolution_norm_above, convolution_norm_below, matrix_norm
from bounds.errors import NotApplicable

_SAME = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Tanh, nn.Identity, nn.Flatten, nn.Dropout, F.relu, F.relu6,
    torch.relu, torch.tanh, torch.flatten, "relu", "flatten", "contiguous",
)  # fmt: skip
# Options of a pool at which its Lipschitz bound is derived: a partial window, or another divisor, weighs more.
_POOLS: dict[Any, dict[str, tuple[Any, ...]]] = {
    nn.MaxPool2d: {"dilation": (1, (1, 1)), "return_indices": (False,)},
    nn.AvgPool2d: {"padding": (0, (0, 0)), "ceil_mode": (False,), "divisor_override": (None,)},
}
_CURVED = (nn.ReLU6, nn.Tanh, F.relu6, torch.tanh)


@dataclass(frozen=True)
class Layer:
    """One linear operator A of the network, batch norm folded in.

    Attributes:
        name: Name in the module.
        spectral: Certified upper bound of its norm on the actual input size.
        spectral_below: Lower bound by power iteration.
        two_one: Sum over output channels of the norms of their weights, ||A^T||_{2,1} on patches.
        overlap: How many patches hold one input pixel; 1 for a matrix.
        width: Larger side of the matrix that acts on one patch.
        positions: Number of patches, 1 for a matrix.
        frobenius: Norm of the weights of one patch.
        bias: Norm of the (fixed) bias of one position.
        lipschitz_in: Lipschitz bound from the network's input to this operator's input.
        offset_in: Bound of this operator's input when the network's input is zero.
        lipschitz_out: Lipschitz bound from this operator's output to the network's output.
    """

    name: str
    spectral: float
    spectral_below: float
    two_one: float
    overlap: int
    width: int
    positions: int
    frobenius: float
    bias: float
    lipschitz_in: float
    offset_in: float
    lipschitz_out: float


@dataclass(frozen=True)
class NetworkNorms:
    """Layers of a network, its Lipschitz bound, and whether it is a chain of positively homogeneous maps."""

    layers: tuple[Layer, ...]
    lipschitz: float
    chain: bool


@dataclass
class _Node:
    """What is known of a node while the graph is walked."""

    factor: float
    lipschitz: float
    offset: float
    out: float = 0.0


def network_norms(encoder: nn.Module, example: Tensor) -> NetworkNorms:
    """Norms of every linear operator of `encoder`, in eval mode, on inputs of the shape of `example`.

    `example` is (1, ...); only its shape, type and device matter.

    Raises:
        NotApplicable: a forward pass that cannot be traced, or an operation without a known Lipschitz bound.
    """
    hooked = [name for name, one in encoder.named_modules() if one._forward_hooks or one._forward_pre_hooks]
    if hooked:
        raise NotApplicable(f"Module {hooked[0]!r} has forward hooks, which may change what it computes.")
    try:
        # Inside a container a bare torch layer stays one node.
        traced = fx.symbolic_trace(nn.Sequential(encoder))
        _Shapes(traced).run(example)
    except Exception as err:
        reason = str(err).splitlines()[0]
        raise NotApplicable(
            f"The forward pass of {type(encoder).__name__} cannot be traced: {reason}"
        ) from err
    norms = _Walk(traced).run()
    _same_map(encoder, traced, example)
    return norms


def _same_map(encoder: nn.Module, traced: fx.GraphModule, example: Tensor) -> None:
    """A trace does not follow values written in place under another name; three items also tell whether they mix."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, *example.shape[1:], generator=generator).to(example)
    with in_place(encoder, example.device), torch.no_grad():
        whole, parts = encoder(x), torch.cat([traced(one[None]) for one in x])
    if whole.shape != parts.shape or not torch.allclose(
        whole, parts, rtol=1e-3, atol=1e-3 * float(whole.abs().max())
    ):
        raise NotApplicable(
            f"The forward pass of {type(encoder).__name__} is not the map of single items that its trace shows."
        )


class _Shapes(fx.Interpreter):
    """Runs the graph once and notes the shape of every tensor."""

    def run_node(self, n: fx.Node) -> Any:
        """The value of a node."""
        value = super().run_node(n)
        n.meta["shape"] = tuple(value.shape) if isinstance(value, Tensor) else ()
        return value


class _Walk:
    """Forward over the graph for bounds from the input, backward for bounds to the output."""

    def __init__(self, traced: fx.GraphModule) -> None:
        self.modules = dict(traced.named_modules())
        self.graph = traced.graph
        self.nodes: dict[fx.Node, _Node] = {}
        self.linear: dict[fx.Node, dict[str, Any]] = {}
        self.folded: dict[fx.Node, fx.Node] = {}
        self.sums: set[fx.Node] = set()
        self.chain = True

    def run(self) -> NetworkNorms:
        output = next(node for node in self.graph.nodes if node.op == "output").args[0]
        if not isinstance(output, fx.Node):
            raise NotApplicable("The encoder must return one tensor.")
        for node in self.graph.nodes:
            if node.op not in ("output", "get_attr"):
                self._forward(node)
        self.nodes[output].out = 1.0
        for node in reversed(self.graph.nodes):
            if node not in self.nodes:
                continue
            # The branches of a sum may be one node twice.
            for parent in node.args if node in self.sums else node.all_input_nodes:
                if parent in self.nodes:
                    self.nodes[parent].out += self.nodes[node].out * self.nodes[node].factor
        layers = tuple(
            Layer(lipschitz_out=self.nodes[self.folded.get(node, node)].out, **known)
            for node, known in self.linear.items()
        )
        return NetworkNorms(layers, self.nodes[output].lipschitz, self.chain)

    def _forward(self, node: fx.Node) -> None:
        parents = [parent for parent in node.all_input_nodes if parent in self.nodes]
        self.chain &= len(node.users) < 2
        if node.op == "placeholder":
            self.nodes[node] = _Node(1.0, 1.0, 0.0)
            return
        if _shape(node)[:1] != (1,):
            raise self._unknown(node)  # the items of a batch are mixed
        if self._is_sum(node, parents):
            self.chain = False
            self.sums.add(node)
            known = [self.nodes[arg] for arg in node.args if isinstance(arg, fx.Node)]
            self.nodes[node] = _Node(
                1.0, math.fsum(k.lipschitz for k in known), math.fsum(k.offset for k in known)
            )
            return
        if len(parents) != 1:
            raise self._unknown(node)
        factor, shift = self._factor(node, parents[0])
        parent = self.nodes[parents[0]]
        self.nodes[node] = _Node(factor, parent.lipschitz * factor, parent.offset * factor + shift)

    def _is_sum(self, node: fx.Node, parents: list[fx.Node]) -> bool:
        named = node.target in (operator.add, operator.iadd, torch.add, "add", "add_")
        plain = named and len(node.args) == 2 and all(arg in parents for arg in node.args) and not node.kwargs
        return plain and not (node.target in (operator.iadd, "add_") and self._read_later(node))

    def _read_later(self, node: fx.Node) -> bool:
        """Whether what the node overwrites is used again, as the sum that it then is."""
        order = list(self.graph.nodes)
        overwritten = node.all_input_nodes[0]
        return any(order.index(user) > order.index(node) for user in overwritten.users)

    def _factor(self, node: fx.Node, parent: fx.Node) -> tuple[float, float]:
        """Lipschitz factor of a node with one input, and the norm of its value at zero."""
        target = self.modules[node.target] if node.op == "call_module" else node.target
        kind = type(target) if node.op == "call_module" else target
        if isinstance(target, (nn.Conv2d, nn.Linear)):
            return self._linear(node, target, parent)
        if isinstance(target, (nn.BatchNorm1d, nn.BatchNorm2d)):
            if parent in self.linear and self._batch_norm_after(parent) is target:
                self.folded[parent] = node
                return 1.0, 0.0
            self.chain = False  # its gain and shift are in no layer's norms
            scale, shift = _batch_norm(target)
            return float(scale.abs().max()), float(shift.norm()) * math.sqrt(_positions(node))
        if kind in _SAME and not (isinstance(target, nn.LeakyReLU) and abs(target.negative_slope) > 1):
            self.chain &= kind not in _CURVED
            return 1.0, 0.0
        if kind in _POOLS:
            return self._pool(node, target), 0.0
        whole = isinstance(target, nn.AdaptiveAvgPool2d) and _positions(node) == 1
        if whole or kind in ("mean", torch.mean):
            return self._mean(node, parent, whole), 0.0
        raise self._unknown(node)

    def _linear(self, node: fx.Node, layer: nn.Conv2d | nn.Linear, parent: fx.Node) -> tuple[float, float]:
        weight, bias = _folded(layer, self._batch_norm_after(node))
        positions, size = _positions(node), tuple(_shape(parent)[2:])
        if isinstance(layer, nn.Conv2d):
            if layer.padding_mode != "zeros" or len(size) != 2:
                raise self._unknown(node)
            square = (size[0], size[1])
            above = convolution_norm_above(weight, square, layer)
            below = convolution_norm_below(weight, square, layer)
            steps = zip(layer.kernel_size, layer.stride, strict=True)
            overlap = math.prod(-(-kernel // stride) for kernel, stride in steps)
        else:
            positions = math.prod(_shape(node)[1:-1])
            above, overlap = matrix_norm(weight), 1
            below = above
        rows = weight.double().flatten(1)
        shift = float(bias.double().norm())
        known = self.nodes[parent]
        self.linear[node] = {
            "name": str(node.target).removeprefix("0."), "spectral": above, "spectral_below": below,
            "two_one": float(rows.norm(dim=1).sum()), "overlap": overlap, "width": max(rows.shape),
            "positions": positions, "frobenius": float(rows.norm()), "bias": shift,
            "lipschitz_in": known.lipschitz, "offset_in": known.offset,
        }  # fmt: skip
        return above, shift * math.sqrt(positions)

    def _batch_norm_after(self, node: fx.Node) -> nn.Module | None:
        if len(_shape(node)) == 3:  # a linear layer's features are last, a batch norm's channels second
            return None
        user = next(iter(node.users)) if len(node.users) == 1 else None
        after = self.modules[user.target] if user is not None and user.op == "call_module" else None
        return after if isinstance(after, (nn.BatchNorm1d, nn.BatchNorm2d)) else None

    def _pool(self, node: fx.Node, target: Any) -> float:
        average = isinstance(target, nn.AvgPool2d)
        self.chain &= average
        kernel, stride = _pair(target.kernel_size), _pair(target.stride)
        if any(getattr(target, name) not in usual for name, usual in _POOLS[type(target)].items()):
            raise self._unknown(node)
        overlap = math.prod(-(-k // s) for k, s in zip(kernel, stride, strict=True))
        return math.sqrt(overlap / math.prod(kernel) if average else overlap)

    def _mean(self, node: fx.Node, parent: fx.Node, pooled: bool) -> float:
        before, after = _shape(parent), _shape(node)
        dims: Any = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
        over = [dims] if isinstance(dims, int) else list(dims or [])
        if not pooled and (not over or any(dim % len(before) == 0 for dim in over)):
            raise self._unknown(node)
        return 1 / math.sqrt(math.prod(before) / math.prod(after))

    def _unknown(self, node: fx.Node) -> NotApplicable:
        target = type(self.modules[node.target]).__name__ if node.op == "call_module" else node.target
        return NotApplicable(
            f"Node {node.name!r} ({target}) has no known Lipschitz bound; norm products need linear layers, "
            "convolutions, batch norms, ReLU-like activations, pooling and sums only."
        )


def _shape(node: fx.Node) -> tuple[int, ...]:
    shape: tuple[int, ...] = node.meta["shape"]
    return shape


def _positions(node: fx.Node) -> int:
    return math.prod(_shape(node)[2:])


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _batch_norm(layer: Any) -> tuple[Tensor, Tensor]:
    """(scale, shift) of a batch norm with frozen statistics.

    Raises:
        NotApplicable: it keeps no running statistics.
    """
    if layer.running_mean is None or layer.running_var is None:
        raise NotApplicable(
            "A batch norm without running statistics is not a fixed map; its norm is undefined."
        )
    gain = 1.0 if layer.weight is None else layer.weight.detach().double()
    scale = gain / (layer.running_var.double() + layer.eps).sqrt()
    shift = -layer.running_mean.double() * scale
    return scale, shift if layer.bias is None else shift + layer.bias.detach().double()


def _folded(layer: nn.Conv2d | nn.Linear, norm: nn.Module | None) -> tuple[Tensor, Tensor]:
    weight = layer.weight.detach().double()
    bias = torch.zeros(weight.shape[0], dtype=torch.float64, device=weight.device)
    if layer.bias is not None:
        bias = bias + layer.bias.detach().double()
    if norm is None:
        return weight, bias
    scale, shift = _batch_norm(norm)
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), bias * scale + shift
