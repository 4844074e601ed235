"""Training steps that are themselves differentiated."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import sigmoidal
from tests.tools.snippet import TorchRuns, snippet

HOOKLESS = TorchRuns(
    "`higher` copies layers without their hooks, so that converted layers run by torch in the copy and follow no "
    "rules: build of `manualconv.nn`, or use `by_hand`"
)


@snippet("higher", "higher", network=sigmoidal, convert=HOOKLESS)
def inner_loop(model: Module, x: Tensor, target: Tensor) -> Any:
    """MAML: the gradient through two training steps."""
    import higher

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with higher.innerloop_ctx(model, optimizer, copy_initial_weights=False) as (copy, steps):
        for _ in range(2):
            steps.step(torch.nn.functional.cross_entropy(copy(x[:2]), target[:2]))
        loss = torch.nn.functional.cross_entropy(copy(x[2:]), target[2:])
        loss.backward()
    return loss, [parameter.grad for parameter in model.parameters()]


@snippet("TorchOpt", "torchopt", network=sigmoidal)
def meta_optimizer(model: Module, x: Tensor, target: Tensor) -> Any:
    """MAML: the gradient through two training steps."""
    import torchopt

    start = list(model.parameters())
    optimizer = torchopt.MetaSGD(model, lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.step(torch.nn.functional.cross_entropy(model(x[:2]), target[:2]))
    loss = torch.nn.functional.cross_entropy(model(x[2:]), target[2:])
    return loss, torch.autograd.grad(loss, start)


@snippet("TorchOpt", "torchopt", network=sigmoidal)
def functional_optimizer(model: Module, x: Tensor, target: Tensor) -> Any:
    """The same with functions: momentum, and `torch.func`."""
    import torchopt
    from torch.func import functional_call

    def loss(parameters: dict[str, Tensor], x: Tensor, target: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(functional_call(model, parameters, x), target)

    start = parameters = dict(model.named_parameters())
    adam = torchopt.adam(lr=0.1)
    state = adam.init(parameters)
    for _ in range(2):
        inner = loss(parameters, x[:2], target[:2])
        gradients = torch.autograd.grad(inner, list(parameters.values()), create_graph=True)
        updates, state = adam.update(dict(zip(parameters, gradients)), state, inplace=False)
        parameters = torchopt.apply_updates(parameters, updates, inplace=False)
    return torch.autograd.grad(loss(parameters, x[2:], target[2:]), list(start.values()))
