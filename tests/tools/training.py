"""Training programs, and what changes weights beside them: pruning, parametrisations, averages."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import normalised, varied
from tests.tools.snippet import snippet


@snippet("torch.nn.utils.prune", "torch")
def pruned(model: Module, x: Tensor, target: Tensor) -> Any:
    """Weights set to zero by size, and the gradient of what is left."""
    from torch.nn.utils import prune

    prune.l1_unstructured(model[3], "weight", amount=0.5)
    loss = torch.nn.functional.cross_entropy(model(x), target)
    return loss, torch.autograd.grad(loss, model[3].weight_orig)


@snippet("torch.nn.utils.prune", "torch", network=varied)
def pruned_channels(model: Module, x: Tensor, target: Tensor) -> Any:
    """Whole channels pruned for good, after weights of all layers together."""
    from torch.nn.utils import prune

    weights = [(layer, "weight") for layer in model.modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear))]
    prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=0.3)
    prune.ln_structured(model[0], "weight", amount=0.5, n=2, dim=0)
    torch.nn.functional.cross_entropy(model(x), target).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    for layer, name in weights:
        prune.remove(layer, name)
    return model(x), model[0].weight


@snippet("torch.nn.utils.parametrizations", "torch", network=varied)
def reparametrised(model: Module, x: Tensor, target: Tensor) -> Any:
    """Weight normalisation, spectral normalisation and an orthogonal matrix, trained and taken away again."""
    from torch.nn.utils import parametrizations, parametrize

    parametrizations.weight_norm(model[0])
    parametrizations.spectral_norm(model[3])
    parametrizations.orthogonal(model[-1])
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()
    for layer in (model[0], model[3], model[-1]):
        parametrize.remove_parametrizations(layer, "weight")
    return model.eval()(x), list(model.parameters())


@snippet("torch.optim.swa_utils", "torch", network=normalised)
def averaged(model: Module, x: Tensor, target: Tensor) -> Any:
    """An average of the weights of several steps, with the statistics of its own activations."""
    from torch.optim.swa_utils import AveragedModel, update_bn

    average = AveragedModel(model.train())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()
        average.update_parameters(model)
    update_bn([x[:2], x[2:]], average)
    return average.eval()(x), list(average.buffers())


@snippet("torch.nn.Module.apply", "torch")
def initialised(model: Module, x: Tensor, target: Tensor) -> Any:
    """An initialisation by the layers' exact types."""
    from manualconv import TORCH_LAYERS  # for a model of `manualconv.nn`, whose types are its own

    def initialise(layer: Module) -> None:
        kind = TORCH_LAYERS.get(type(layer), type(layer))
        if kind is torch.nn.Conv2d:
            torch.nn.init.kaiming_normal_(layer.weight)
        if kind is torch.nn.Linear:
            torch.nn.init.orthogonal_(layer.weight)

    return model.apply(initialise)(x)


@snippet("copy.deepcopy", "torch", network=normalised)
def moving_average(model: Module, x: Tensor, target: Tensor) -> Any:
    """A moving average of the weights in a copy, which answers for the model."""
    import copy

    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.Adam(model.train().parameters(), eps=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()
        for kept, new in zip(average.parameters(), model.parameters()):
            kept.lerp_(new, 0.1)
    return average(x)


@snippet("Lightning", "lightning", network=varied)
def fitted(model: Module, x: Tensor, target: Tensor) -> Any:
    """The weights that a Trainer fits, and what it predicts."""
    import lightning
    from torch.utils.data import DataLoader, TensorDataset

    class Classifier(lightning.LightningModule):
        def __init__(self, model: Module) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, index: int) -> Any:
            x, target = batch
            return torch.nn.functional.cross_entropy(self.model(x), target)

        def predict_step(self, batch: Any, index: int) -> Any:
            return self.model(batch[0])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", gradient_clip_val=1.0, **quiet)
    classifier, batches = Classifier(model).train(), DataLoader(TensorDataset(x, target), batch_size=2)
    trainer.fit(classifier, batches)
    return list(classifier.state_dict().values()), trainer.predict(classifier, batches)


@snippet("Lightning", "lightning", network=normalised)
def fabricated(model: Module, x: Tensor, target: Tensor) -> Any:
    """A loop of one's own with Fabric."""
    from lightning.fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    model, optimizer = fabric.setup(model.train(), torch.optim.SGD(model.parameters(), lr=0.1))
    for _ in range(3):
        optimizer.zero_grad()
        fabric.backward(torch.nn.functional.cross_entropy(model(x), target))
        optimizer.step()
    return list(model.state_dict().values())
