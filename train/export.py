"""``python -m train export CHECKPOINT``: the weights as safetensors, the network as a program of ``torch.export``.

Both are read back and asked for the scores of the same images.  Those of the weights are equal bit for bit; a program
of ``torch.export`` runs without the compiled loops, so that its sums may round otherwise.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from train import machine, trained
from train.errors import OutputError
from train.options import ExportOptions
from train.trained import Trained

ASKED = 8  # images
ROUNDINGS = 64  # of the largest score, by which another order of summation may be off in a handful of layers


@torch.no_grad()
def run(options: ExportOptions) -> int:
    """Write the files next to the checkpoint, or into ``--out``; return 0.  Raises ``TrainError``."""
    network = trained.load(options.checkpoint, arch=options.arch)
    folder = options.out or options.checkpoint.parent
    stem = folder / options.checkpoint.stem
    try:
        folder.mkdir(parents=True, exist_ok=True)
        weights = _weights(network, stem.with_suffix(".safetensors"))
        program = _program(network, stem.with_suffix(".pt2"))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    x = _images(network)
    expected = network.model(x)
    for path, model, room in (
        (weights, _of_weights(network, weights), 0.0),
        (program, _of_program(program), ROUNDINGS),
    ):
        off = float((model(x) - expected).abs().max() / expected.abs().max() / torch.finfo(x.dtype).eps)
        if not off <= room:
            raise OutputError(f"{path} does not give the scores of {options.checkpoint}: off by {off:.0f} roundings.")
        print(f"{path}  {path.stat().st_size:,} bytes, scores of {ASKED} images off by {off:.1f} roundings")
    return 0


def _images(network: Trained) -> Tensor:
    place = network.machine
    channels, *size = network.kind.shape
    shape = (ASKED, *([channels] if channels > 1 else []), *size)
    noise = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return network.network.scale(noise, place.dtype, place.device)


def _weights(network: Trained, path: Path) -> Path:
    state = {name: t.contiguous() for name, t in network.model.state_dict().items()}
    save_file(state, path, {"format": "pt", "network": network.name})
    return path


def _program(network: Trained, path: Path) -> Path:
    """Of any number of images."""
    x = _images(network)
    program = torch.export.export(network.model, (x,), dynamic_shapes=({0: torch.export.Dim("images")},))
    torch.export.save(program, path)
    return path


def _of_weights(network: Trained, path: Path) -> nn.Module:
    model = machine.build(network.name, network.machine, 1, network.kind)
    model.load_state_dict(load_file(path))
    return model.eval()


def _of_program(path: Path) -> nn.Module:
    return torch.export.load(path).module()
