"""``python -m train evaluate CHECKPOINT``: a trained network on test images it has not seen."""

import json

import torch
from torch import Tensor

from train import datasets, trained
from train.options import EvaluateOptions

PAIRS = 5  # that are most often taken for each other


def run(options: EvaluateOptions) -> int:
    """Print loss, accuracy, each label's share and the commonest mistakes; return 0.  Raises ``TrainError``."""
    network = trained.load(options.checkpoint, options.backend, options.device, options.arch)
    mnist = datasets.like(options.dataset or network.dataset, options.data_dir, network.kind)
    found = trained.assess(network, mnist.test)
    counts = found.confusion(len(network.kind.labels))
    shares = (counts.diag() / counts.sum(1).clamp_min(1)).tolist()
    if options.json:
        facts = {"images": len(found.labels), "right": found.right, "loss": found.loss, "recall": shares}
        print(json.dumps(facts | {"confusion": counts.tolist()}, indent=1))
        return 0
    print(f"{network.network.title} of {options.checkpoint}, {len(found.labels):,} test images of {mnist.source}")
    names = network.kind.labels
    for name, share, row in zip(names, shares, counts, strict=True):
        print(f"label {name:8} {100 * share:6.2f} % of {int(row.sum()):,} right")
    for count, label, guess in _pairs(counts):
        print(f"taken for      {names[label]} as {names[guess]}: {count} times")
    print(f"test loss      {found.loss:.4f}")
    print(f"test accuracy  {100 * found.right / len(found.labels):.2f} %")
    return 0


def _pairs(counts: Tensor) -> list[tuple[int, int, int]]:
    """(times, label, guess) of the commonest mistakes."""
    wrong = counts.clone().fill_diagonal_(0).flatten()
    times, places = torch.topk(wrong, min(PAIRS, len(wrong)))
    width = len(counts)
    return [(n, place // width, place % width) for n, place in zip(times.tolist(), places.tolist()) if n]
