"""Where and with what a run computes: device, dtype, threads, and the namespace the layers come from."""

import ctypes
import importlib
from dataclasses import dataclass
from types import ModuleType

import torch

from train import architectures, random_states
from train.errors import OptionError
from train.image_kind import MNIST, ImageKind

BACKENDS = {"manual": "manualconv.nn", "torch": "torch.nn"}
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Machine:
    """``layers`` has torch.nn's names, whoever wrote the derivatives behind them."""

    layers: ModuleType
    device: torch.device
    dtype: torch.dtype


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt's names in glibc's <malloc.h>


def keep_freed_memory() -> None:
    """Ask glibc to keep what a step frees for the next step, whatever the backend; elsewhere nothing happens.

    Tensors of some megabytes otherwise go back to the system at every step and come back page by page: on an AMD EPYC,
    2 cores, the convolution of LeNet's second layer then took 4.0 ms instead of 1.6 ms.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    mallopt(M_TRIM_THRESHOLD, 512 * 2**20)


def prepare(backend: str, device: str, dtype: str, threads: int | None) -> Machine:
    """Set the threads, try the device with one sum, import the layers. Raises ``OptionError``."""
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        layers = importlib.import_module(BACKENDS[backend])
    except ImportError as error:
        raise OptionError(f"The backend {backend!r} cannot be imported: {error}.") from error
    return Machine(layers, _device(device, DTYPES[dtype]), DTYPES[dtype])


def _device(name: str, dtype: torch.dtype) -> torch.device:
    try:
        device = torch.device(name)
    except (RuntimeError, ValueError) as error:  # ValueError: a name that is no UTF-8
        raise OptionError(f"There is no device called {name!r}; cpu, cuda and cuda:0 are such names.") from error
    try:
        torch.ones(1, device=device, dtype=dtype).sum().item()
    # Every device of torch has its own way to say that it is absent: AssertionError, NotImplementedError, ...
    except Exception as error:
        kind = str(dtype).removeprefix("torch.")
        raise OptionError(f"The device {name!r} is not available here for {kind}.") from error
    return device


def build(arch: str, machine: Machine, seed: int, kind: ImageKind = MNIST) -> torch.nn.Module:
    """The network with the initial weights of ``seed``: the same for both backends, drawn in float32 always.

    Raises ``OptionError`` if there is none of that name, or it does not take such images.
    """
    network = architectures.named(arch, kind)
    random_states.seed(seed)
    model = network.build(machine.layers)
    return model.to(device=machine.device, dtype=machine.dtype)
