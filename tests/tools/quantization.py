"""Tools that replace layers by quantised ones, or make them ready for it."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import normalised
from tests.tools.snippet import Differs, Refuses, snippet

TYPES = "torch.ao looks layers up by exact type; give it `manualconv.convert(manualconv.restore(model))`"
UNQUANTISED = Differs(f"quantises nothing: {TYPES}")
UNFUSED = Refuses(f"refuses: {TYPES}", "did not find fuser method")
ao = partial(snippet, "torch.ao.quantization", "torch", network=normalised, dtype=torch.float32)


@ao(nn=UNQUANTISED)
def dynamic(model: Module, x: Tensor, target: Tensor) -> Any:
    """Linear layers with weights of eight bits."""
    from torch.ao.quantization import quantize_dynamic

    return quantize_dynamic(model, {torch.nn.Linear})(x)


@ao(nn=UNFUSED)
def fused(model: Module, x: Tensor, target: Tensor) -> Any:
    """Convolution, normalisation and ReLU fused, and the gradients."""
    from torch.ao.quantization import fuse_modules

    model = fuse_modules(model, [["0", "1", "2"], ["4", "5", "6"]])
    y = model(x)
    return len(list(model.parameters())), y, torch.autograd.grad(y.square().sum(), list(model.parameters()))


@ao(nn=UNFUSED)
def trained_for_eight_bits(model: Module, x: Tensor, target: Tensor) -> Any:
    """A training step with simulated quantisation, and the converted model."""
    from torch.ao.quantization import QuantWrapper, convert, fuse_modules_qat, get_default_qat_qconfig, prepare_qat

    model = QuantWrapper(fuse_modules_qat(model.train(), [["0", "1", "2"], ["4", "5", "6"]])).train()
    model.qconfig = get_default_qat_qconfig("x86")
    model = prepare_qat(model)
    y = model(x)
    torch.nn.functional.cross_entropy(y, target).backward()
    gradients = [model.module[0].weight.grad, model.module[9].weight.grad]
    return y, gradients, convert(model.eval())(x)


@ao(nn=UNQUANTISED)
def after_training(model: Module, x: Tensor, target: Tensor) -> Any:
    """Quantisation after training, by a graph."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    observed = prepare_fx(model, get_default_qconfig_mapping("x86"), (x,))
    observed(x)
    return convert_fx(observed)(x)


@snippet("brevitas", "brevitas", network=normalised, dtype=torch.float32)
def layer_by_layer(model: Module, x: Tensor, target: Tensor) -> Any:
    """Layers replaced by brevitas's, with ours registered; those that brevitas leaves run by hand."""
    from brevitas.graph.quantize import LAYERWISE_COMPUTE_LAYER_MAP, layerwise_quantize

    from manualconv import TORCH_LAYERS

    table = dict(LAYERWISE_COMPUTE_LAYER_MAP)
    table |= {ours: table[theirs] for ours, theirs in TORCH_LAYERS.items() if theirs in table}
    model = layerwise_quantize(model, compute_layer_map=table)
    y = model(x)
    return y, torch.autograd.grad(y.square().sum(), [model[0].weight, model[9].weight])


@snippet(
    "brevitas",
    "brevitas",
    network=normalised,
    dtype=torch.float32,
    nn=Refuses(
        "refuses: brevitas looks layers up by exact type; give it `manualconv.convert(manualconv.restore(model))`",
    ),
)
def by_a_graph(model: Module, x: Tensor, target: Tensor) -> Any:
    """A graph of quantised layers, with normalisation folded in."""
    from brevitas.graph.quantize import preprocess_for_quantize, quantize

    model = quantize(preprocess_for_quantize(torch.fx.symbolic_trace(model)))
    y = model(x)
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    return y, torch.autograd.grad(y.square().sum(), weights)


@snippet("torchao", "torchao", network=normalised, dtype=torch.float32)
def weights_of_eight_bits(model: Module, x: Tensor, target: Tensor) -> Any:
    """Linear layers with weights of eight bits."""
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    quantize_(model, Int8WeightOnlyConfig(version=2))
    return type(model[9].weight).__name__, model(x)
