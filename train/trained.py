"""A trained network, read from its checkpoint, and what it says of images."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from train import architectures, checkpoint, machine
from train.batches import EVALUATION_BATCH
from train.data import Split
from train.errors import ForeignCheckpoint
from train.image_kind import MNIST, ImageKind, from_plain
from train.machine import Machine
from train.models import NETWORKS, Network


@dataclass(frozen=True)
class Trained:
    """A network with its weights, for reading; ``facts`` is what else the checkpoint holds."""

    name: str
    network: Network
    model: nn.Module
    machine: Machine
    facts: dict[str, object]
    kind: ImageKind = MNIST

    @property
    def dataset(self) -> str:
        """The name of what it was trained on."""
        return str(self.facts.get("dataset", "mnist"))

    @torch.no_grad()
    def scores(self, images: Tensor) -> Tensor:
        """images: (N, H, W) or (N, C, H, W) uint8, of the network's kind → (N, classes) scores."""
        place = self.machine
        parts = (self.network.scale(part, place.dtype, place.device) for part in images.split(EVALUATION_BATCH))
        return torch.cat([self.model(part).cpu() for part in parts])


def load(path: Path, backend: str = "manual", device: str = "cpu", arch: str | None = None) -> Trained:
    """The network of a checkpoint.  Raises ``CheckpointError`` or ``OptionError``.

    ``arch`` is what its user says that it is: a ``module:factory`` runs code, so that a file's word is not enough.
    """
    contents = checkpoint.load(path, arch)
    name, state = contents.pop("network", None), checkpoint.shown(contents)
    contents.pop("state", None)
    if not isinstance(name, str) or (":" not in name and name not in NETWORKS):
        raise ForeignCheckpoint(f"{path} holds the network {name!r}; known are {', '.join(NETWORKS)}.")
    if arch is None:
        architectures.check_vouched(name, path)
    dtypes = {t.dtype for t in state.values()} if isinstance(state, dict) else set()
    place = machine.prepare(backend, device, "float64" if torch.float64 in dtypes else "float32", None)
    kind = _kind(contents.get("images"), path)
    model = machine.build(name, place, 0, kind)
    checkpoint.put(state, model, path)
    return Trained(name, architectures.named(name, kind), model.eval(), place, contents, kind)


def _kind(facts: object, path: Path) -> ImageKind:
    try:
        return from_plain(facts)
    except ValueError as error:
        raise ForeignCheckpoint(f"{path} is not of this program: {error}.") from error


@dataclass(frozen=True)
class Assessed:
    """What a network says of images whose labels are known: the mean loss, and labels, guesses and confidences."""

    loss: float
    labels: Tensor
    guesses: Tensor
    confidences: Tensor

    @property
    def right(self) -> int:
        """How many guesses are the labels."""
        return int((self.guesses == self.labels).sum())

    def confusion(self, classes: int) -> Tensor:
        """(true, guessed), how often each pair is."""
        pairs = classes * self.labels + self.guesses
        return torch.bincount(pairs, minlength=classes * classes).reshape(classes, classes)

    def mistakes(self) -> Tensor:
        """Places of the wrong guesses, the most confident first."""
        wrong = torch.nonzero(self.guesses != self.labels).flatten()
        return wrong[self.confidences[wrong].argsort(descending=True)]


@torch.no_grad()
def assess(trained: Trained, split: Split) -> Assessed:
    """The network on every image of a split."""
    scores = trained.scores(split.images)
    labels = split.labels.long()
    loss = trained.network.criterion(trained.machine.layers)(scores, labels)
    confidences, guesses = scores.softmax(1).max(1)
    return Assessed(float(loss), labels, guesses, confidences)
