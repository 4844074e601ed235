"""Tools that count operations, parameters and shapes."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import normalised, varied
from tests.tools.snippet import Differs, TorchRuns, snippet

UNKNOWN = Differs("counts 0 layers: the tool looks layers up by exact type; register them as above, or `convert`")
PATCHED = Differs(
    "counts more: the tool also counts the products of matrices that our layers are made of; "
    'give it `{"count_functional": False}` as above'
)
OPERATORS = Differs(
    "counts less: the tool adds up aten's convolutions, and none run by hand; torch's `FlopCounterMode` is right"
)
RECORDED = TorchRuns("counted in a trace of `torch.jit`, which records torch's operators")


@snippet("thop", "thop", network=varied)
def thop_multiplications(model: Module, x: Tensor, target: Tensor) -> Any:
    """Multiplications and parameters, with our layers registered."""
    from thop import profile
    from thop.profile import register_hooks

    from manualconv import TORCH_LAYERS

    known = {ours: register_hooks[theirs] for ours, theirs in TORCH_LAYERS.items() if theirs in register_hooks}
    return profile(model, inputs=(x,), custom_ops=known, verbose=False)


@snippet("thop", "thop", network=varied, nn=UNKNOWN)
def thop_as_it_is(model: Module, x: Tensor, target: Tensor) -> Any:
    """The same without registration."""
    from thop import profile

    return profile(model, inputs=(x,), verbose=False)


@snippet("ptflops", "ptflops", network=varied)
def ptflops_of_layers(model: Module, x: Tensor, target: Tensor) -> Any:
    """Multiplications and parameters of layers, with ours registered."""
    from ptflops import get_model_complexity_info
    from ptflops.pytorch_ops import MODULES_MAPPING

    from manualconv import TORCH_LAYERS

    known = {ours: MODULES_MAPPING[theirs] for ours, theirs in TORCH_LAYERS.items() if theirs in MODULES_MAPPING}
    return get_model_complexity_info(
        model,
        tuple(x.shape[1:]),
        as_strings=False,
        print_per_layer_stat=False,
        custom_modules_hooks=known,
        backend_specific_config={"count_functional": False},
    )


@snippet("ptflops", "ptflops", network=varied, nn=UNKNOWN, convert=PATCHED, by_hand=PATCHED)
def ptflops_as_it_is(model: Module, x: Tensor, target: Tensor) -> Any:
    """The same without registration, and with functions counted."""
    from ptflops import get_model_complexity_info

    return get_model_complexity_info(model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False)


@snippet("ptflops", "ptflops", network=varied, nn=OPERATORS, convert=OPERATORS, by_hand=OPERATORS)
def ptflops_of_operators(model: Module, x: Tensor, target: Tensor) -> Any:
    """Multiplications of aten's operators."""
    from ptflops import get_model_complexity_info

    size = tuple(x.shape[1:])
    return get_model_complexity_info(model, size, backend="aten", as_strings=False, print_per_layer_stat=False)


@snippet("fvcore", "fvcore", network=normalised, nn=RECORDED, convert=RECORDED, by_hand=RECORDED)
def fvcore_multiplications(model: Module, x: Tensor, target: Tensor) -> Any:
    """Multiplications, counted in a trace."""
    from fvcore.nn import FlopCountAnalysis

    return FlopCountAnalysis(model, x).total()


@snippet("torch.utils.flop_counter", "torch", network=varied)
def flops_of_a_training_step(model: Module, x: Tensor, target: Tensor) -> Any:
    """Operations of a training step, by layer."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        torch.nn.functional.cross_entropy(model.train()(x), target).backward()
    layers = counter.get_flop_counts()
    rows = [f"{layer} {operator} {count}" for layer, row in layers.items() for operator, count in row.items()]
    return counter.get_total_flops(), sorted(rows)


@snippet("torch.utils.flop_counter", "torch", network=varied)
def flops_of_samples(model: Module, x: Tensor, target: Tensor) -> Any:
    """Operations of a gradient for each sample, by `vmap`."""
    from torch.func import functional_call, grad, vmap
    from torch.utils.flop_counter import FlopCounterMode

    def loss(weights: Any, x: Tensor, target: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(functional_call(model, weights, x[None]), target[None])

    with FlopCounterMode(display=False) as counter:
        vmap(grad(loss), (None, 0, 0))(dict(model.named_parameters()), x, target)
    return counter.get_total_flops()


@snippet("torchinfo", "torchinfo", network=varied)
def torchinfo_table(model: Module, x: Tensor, target: Tensor) -> Any:
    """The table of layers, with sizes, parameters and multiplications."""
    from torchinfo import summary

    columns = ("input_size", "output_size", "kernel_size", "num_params", "mult_adds", "trainable")
    return str(summary(model, input_data=x, col_names=columns, verbose=0))
