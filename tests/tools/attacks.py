"""Tools that search for inputs which a network gets wrong."""

from typing import Any

from torch import Tensor
from torch.nn import Module

from tests.tools.networks import bent, normalised
from tests.tools.snippet import snippet


@snippet("torchattacks", "torchattacks", network=bent)
def signed_gradients(model: Module, x: Tensor, target: Tensor) -> Any:
    """FGSM, and PGD: steps along the gradient's sign."""
    from torchattacks import FGSM, PGD

    images = x.sigmoid()
    attacks = FGSM(model, eps=8 / 255), PGD(model, eps=8 / 255, alpha=2 / 255, steps=5)
    return [attack(images, target) for attack in attacks]


@snippet("torchattacks", "torchattacks", network=normalised)
def nearest(model: Module, x: Tensor, target: Tensor) -> Any:
    """CW and DeepFool: the nearest image of another class."""
    from torchattacks import CW, DeepFool

    images = x.sigmoid()
    labels = model(images).argmax(dim=1)
    return [attack(images, labels) for attack in (CW(model, c=10, steps=20), DeepFool(model, steps=5))]


@snippet("foolbox", "foolbox", network=normalised)
def bounded(model: Module, x: Tensor, target: Tensor) -> Any:
    """LinfPGD, at several bounds at once."""
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfPGD

    images = x.sigmoid()
    network = PyTorchModel(model, bounds=(0, 1))
    _, clipped, success = LinfPGD(steps=5)(network, images, target, epsilons=[0.01, 0.1])
    return clipped, success


@snippet("foolbox", "foolbox", network=normalised)
def nearest_by_foolbox(model: Module, x: Tensor, target: Tensor) -> Any:
    """DeepFool and Carlini and Wagner's: the nearest image of another class."""
    from foolbox import PyTorchModel
    from foolbox.attacks import L2CarliniWagnerAttack, L2DeepFoolAttack

    images = x.sigmoid()
    labels = model(images).argmax(dim=1)
    attacks = L2DeepFoolAttack(steps=10), L2CarliniWagnerAttack(steps=20, binary_search_steps=3)
    return [attack(PyTorchModel(model, bounds=(0, 1)), images, labels, epsilons=[0.1, 1.0]) for attack in attacks]
