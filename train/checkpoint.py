"""Weights on disk: written whole or not at all, read without executing anything, refused when damaged or foreign.

A checkpoint is a torch zip file of plain tensors, integers, floats and strings. Zip keeps a CRC-32 of every member,
which ``torch.load`` does not compare; ``load`` does, so a flipped bit is found. That finds accidents, not malice:
whoever can rewrite the file can rewrite its checksums.
"""

import io
import os
import pickle
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from train.errors import CorruptCheckpoint, ForeignCheckpoint, MissingCheckpoint, NonFiniteError, OutputError

FORMAT = "manualconv checkpoint"
VERSION = 1


def save(path: Path, network: str, model: nn.Module, facts: dict[str, int | float | str]) -> None:
    """Replace ``path`` in one step; a reader, or a process killed at any moment, sees the old file or the new one.

    The temporary file is made with ``open`` because ``tempfile`` would leave it readable to its owner only. Raises
    ``NonFiniteError`` before anything is written, ``OutputError`` if the system refuses.
    """
    state = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise NonFiniteError(f"The weights {name} are not finite, so {path} was not written.")
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, "network": network, "state": state, **facts}, buffer)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(temporary, buffer.getbuffer())
        _compare_checksums(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # what cannot be removed must not hide why the checkpoint was not written
            temporary.unlink(missing_ok=True)


def load(path: Path, network: str | None = None) -> dict[str, Any]:
    """Return what ``save`` was given, with the weights under "state". Raises a subclass of ``CheckpointError``."""
    if not os.path.isfile(path):  # Path.is_file raises for a name that is too long
        raise MissingCheckpoint(f"There is no checkpoint {path}.")
    try:
        _compare_checksums(path)
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ForeignCheckpoint(f"{path} holds more than plain tensors and numbers, so it was not loaded.") from error
    except OSError as error:
        raise CorruptCheckpoint(f"The checkpoint {path} cannot be read: {error.strerror or error}.") from error
    except CorruptCheckpoint:
        raise
    except Exception as error:  # torch.load promises no particular exception for damaged files
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged ({type(error).__name__}).") from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ForeignCheckpoint(f"{path} is a torch file, but not a checkpoint of this program.")
    if contents.get("version") != VERSION:
        raise ForeignCheckpoint(f"{path} has format version {contents.get('version')}, this program reads {VERSION}.")
    if network is not None and contents.get("network") != network:
        raise ForeignCheckpoint(f"{path} holds the network {contents.get('network')!r}, not {network!r}.")
    return contents


def restore(path: Path, network: str, model: nn.Module) -> None:
    """Put the weights of ``path`` into ``model``, all of them or none. Raises a subclass of ``CheckpointError``."""
    state = load(path, network).get("state")
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise ForeignCheckpoint(f"{path} holds no weights.")
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            sizes = f"{found.get(name, 'missing')} there, {wanted.get(name, 'missing')} here"
            raise ForeignCheckpoint(f"{path} holds weights of another network: {name} is {sizes}.")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
        raise CorruptCheckpoint(f"The checkpoint {path} holds weights that are not finite.")
    model.load_state_dict(state)


def _write(path: Path, contents: memoryview) -> None:
    with path.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())


def _compare_checksums(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged or truncated, or no checkpoint.") from error
    if damaged:
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged: the checksum of its part {damaged} does not fit.")


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable. Windows cannot open a folder, and needs no such thing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
