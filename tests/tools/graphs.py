"""Tools that trace a model into a graph, draw it or take features out of it."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import normalised, varied
from tests.tools.snippet import Differs, Refuses, snippet


@snippet("torch.fx", "torch", network=varied)
def traced(model: Module, x: Tensor, target: Tensor) -> Any:
    """A graph of layers, its output and its gradients."""
    graph = torch.fx.symbolic_trace(model)
    y = graph(x)
    loss = torch.nn.functional.cross_entropy(y, target)
    return [str(node) for node in graph.graph.nodes], y, torch.autograd.grad(loss, list(graph.parameters()))


@snippet("torch.fx", "torch", network=varied)
def rewritten(model: Module, x: Tensor, target: Tensor) -> Any:
    """A graph in which another activation takes the place of each GELU."""
    graph = torch.fx.symbolic_trace(model)
    for node in list(graph.graph.nodes):
        if node.op == "call_module" and isinstance(graph.get_submodule(node.target), torch.nn.GELU):
            with graph.graph.inserting_after(node):
                node.replace_all_uses_with(graph.graph.call_function(torch.nn.functional.relu6, node.args))
            graph.graph.erase_node(node)
    graph.recompile()
    return graph(x)


@snippet(
    "torch.fx",
    "torch",
    network=normalised,
    nn=Differs(
        "computes the same and fuses nothing: the pass looks layers up by exact type; "
        "give it `manualconv.convert(manualconv.restore(model))`"
    ),
)
def folded(model: Module, x: Tensor, target: Tensor) -> Any:
    """Batch normalisation folded into the convolutions before it."""
    from torch.fx.experimental.optimization import fuse

    fused = fuse(model)
    return sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in fused.modules()), fused(x)


@snippet("torchvision feature extraction", "torchvision", network=varied)
def features(model: Module, x: Tensor, target: Tensor) -> Any:
    """Two layers' outputs, and the gradients of one."""
    from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

    extractor = create_feature_extractor(model, {"6": "middle", "12": "end"})
    out = extractor(x)
    gradients = torch.autograd.grad(out["end"].square().sum(), [p for p in extractor.parameters() if p.requires_grad])
    return get_graph_node_names(model), out, gradients


@snippet(
    "torchvision feature extraction",
    "torchvision",
    network=varied,
    nn=Refuses(
        "refuses layers with hooks, which would run twice: register them on the extractor's layers, or `convert`",
        "must have no forward hooks",
    ),
)
def features_of_hooked(model: Module, x: Tensor, target: Tensor) -> Any:
    """The same where a layer has a hook."""
    from torchvision.models.feature_extraction import create_feature_extractor

    model.get_submodule("3").register_forward_hook(lambda layer, args, output: output * 2)
    return create_feature_extractor(model, ["6"])(x)


@snippet("torchview", "torchview", network=varied)
def drawn(model: Module, x: Tensor, target: Tensor) -> Any:
    """The nodes and edges of the drawing."""
    from torchview import draw_graph

    drawing = draw_graph(model, input_data=x, expand_nested=True, depth=3).visual_graph
    return [line.strip() for line in drawing.body]


@snippet("torch.fx.experimental.make_fx", "torch", network=varied)
def graph_of_gradients(model: Module, x: Tensor, target: Tensor) -> Any:
    """A graph of operators that computes all gradients."""
    from torch.func import functional_call, grad
    from torch.fx.experimental.proxy_tensor import make_fx

    def loss(weights: Any, x: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(functional_call(model, weights, x), target)

    weights = dict(model.named_parameters())
    return make_fx(grad(loss))(weights, x)(weights, -x)


@snippet("torch.compile", "torch", network=varied)
def compiled(model: Module, x: Tensor, target: Tensor) -> Any:
    """Output and gradients of a model in one graph."""
    y = torch.compile(model, fullgraph=True, backend="aot_eager")(x)
    return y, torch.autograd.grad(torch.nn.functional.cross_entropy(y, target), list(model.parameters()))
