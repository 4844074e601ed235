"""A gradient for each sample: private training and its kin."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from manualconv import TORCH_LAYERS
from tests.tools.networks import normalised
from tests.tools.snippet import snippet

# -------------------------------------------------------------------------------------------------------------- Opacus


@snippet("Opacus", "opacus")
def grad_sample_module(model: Module, x: Tensor, target: Tensor) -> Any:
    """A gradient for each sample, by hooks and by `torch.func`."""
    from opacus import GradSampleModule

    found = []
    for force_functorch in (False, True):
        wrapped = GradSampleModule(model.train(), force_functorch=force_functorch)
        torch.nn.functional.cross_entropy(wrapped(x), target).backward()
        found += [parameter.grad_sample for parameter in wrapped.parameters()]
        model = wrapped.to_standard_module()
    return found, model(x)


@snippet("Opacus", "opacus")
def private_training(model: Module, x: Tensor, target: Tensor) -> Any:
    """Private training, in each of three modes."""
    from copy import deepcopy

    from opacus import PrivacyEngine
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(x, target), batch_size=2)
    found = []
    for mode in ("hooks", "functorch", "ew"):
        copy = deepcopy(model).train()
        private, optimizer, batches = PrivacyEngine().make_private(
            module=copy,
            optimizer=torch.optim.SGD(copy.parameters(), lr=1.0),
            data_loader=loader,
            noise_multiplier=0.0,  # so that the numbers can be compared
            max_grad_norm=0.1,
            poisson_sampling=False,
            grad_sample_mode=mode,
        )
        for images, labels in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(private(images), labels).backward()
            optimizer.step()
        found += list(private.parameters())
    return found


@snippet("Opacus", "opacus")
def ghost_clipping(model: Module, x: Tensor, target: Tensor) -> Any:
    """Private training, by ghost clipping."""
    from opacus import PrivacyEngine
    from torch.utils.data import DataLoader, TensorDataset

    private, optimizer, criterion, batches = PrivacyEngine().make_private(
        module=model.train(),
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        criterion=torch.nn.CrossEntropyLoss(),
        data_loader=DataLoader(TensorDataset(x, target), batch_size=2),
        noise_multiplier=0.0,
        max_grad_norm=0.1,
        poisson_sampling=False,
        grad_sample_mode="ghost",
    )
    for images, labels in batches:
        optimizer.zero_grad()
        criterion(private(images), labels).backward()
        optimizer.step()
    return list(private.parameters())


@snippet("Opacus", "opacus", network=normalised, dtype=torch.float32)
def module_validator(model: Module, x: Tensor, target: Tensor) -> Any:
    """The validator, which replaces batch normalisation."""
    from opacus.validators import ModuleValidator

    for table in (ModuleValidator.VALIDATORS, ModuleValidator.FIXERS):  # for a model of manualconv.nn
        for ours, theirs in TORCH_LAYERS.items():
            if theirs in table:
                table[ours] = table[theirs]
    errors = ModuleValidator.validate(model.train())
    fixed = ModuleValidator.fix(model)
    return len(errors), [type(layer).__name__ for layer in fixed], fixed(x)


# ----------------------------------------------------------------------------------------------------- torch's own ways


@snippet("ExpandedWeights", "torch")
def expanded_weights(model: Module, x: Tensor, target: Tensor) -> Any:
    """A gradient for each sample, in one backward pass."""
    from torch.nn.utils._per_sample_grad import call_for_per_sample_grads

    output = call_for_per_sample_grads(model, loss_reduction="mean")(x)
    torch.nn.functional.cross_entropy(output, target).backward()
    return [parameter.grad_sample for parameter in model.parameters()]


@snippet("torch.func", "torch")
def vmap_of_grad(model: Module, x: Tensor, target: Tensor) -> Any:
    """A gradient for each sample: `vmap` of `grad`."""
    from torch.func import functional_call, grad, vmap

    def loss(parameters: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        output = functional_call(model, parameters, image[None])
        return torch.nn.functional.cross_entropy(output, label[None])

    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    return vmap(grad(loss), in_dims=(None, 0, 0))(weights, x, target)
