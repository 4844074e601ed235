"""Checkpoints: read without executing anything, refused when damaged or foreign, written by ``train.durable``.

A checkpoint is a torch zip file of plain tensors, numbers, strings and lists; ``torch.load`` reads it. Its manifest is
the comment that ends every zip file: the SHA-256 of all bytes before it. ``torch.load`` compares no checksum, ``load``
compares this one first, so that no flipped bit, no missing byte and no file of half a write passes. The manifest is in
the file, since two files can be renamed, copied and lost apart. It finds accidents, not malice: whoever can rewrite the
file can rewrite its manifest; what is read executes nothing all the same.

There are two kinds: "weights" (best.pt) and "training" (last.pt, and previous.pt, the one before it), which has weights
too and all else that a run needs to go on.
"""

import hashlib
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from train import durable
from train.errors import CheckpointError, CorruptCheckpoint, ForeignCheckpoint, MissingCheckpoint, NonFiniteError
from train.output import BEST, PREVIOUS

FORMAT = "manualconv checkpoint"
VERSION = 2
MANIFEST = b"SHA-256 "
SIZE = len(MANIFEST) + 2 * hashlib.sha256().digest_size  # of the comment
END = 22  # bytes of zip's end record, whose last two are the size of the comment

Weights = dict[str, Tensor]


def weights(model: nn.Module) -> Weights:
    """Copies on the CPU, which no later step changes."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def save(
    path: Path, network: str, state: Weights, facts: Mapping[str, Any], kind: str = "weights", keep: bool = False
) -> None:
    """Replace ``path`` in one step; with ``keep`` the one before it is previous.pt afterwards.

    Raises ``NonFiniteError`` before anything is written, ``OutputError`` if the system refuses.
    """
    for name, tensor in _tensors({"weights": state, **facts}):
        if not torch.isfinite(tensor).all():
            raise NonFiniteError(f"The {name} are not finite, so {path} was not written.")
    head = {"format": FORMAT, "version": VERSION, "kind": kind, "network": network}
    contents = sealed({**head, "state": state, **facts})
    durable.write(path, contents, path.with_name(PREVIOUS) if keep else None)


def _tensors(value: Any, place: str = "") -> Iterator[tuple[str, Tensor]]:
    """With their places: ``optimizer state 0 exp_avg``."""
    if isinstance(value, Tensor):
        yield place.strip(), value
    elif isinstance(value, (Mapping, list)):
        for name, each in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _tensors(each, f"{place} {name}")


def sealed(contents: Mapping[str, Any]) -> bytes:
    """The bytes of a checkpoint. Raises TypeError for what ``load`` would not take."""
    strange = _not_plain(contents)
    if strange is not None:
        raise TypeError(f"a checkpoint holds plain tensors, numbers, strings and lists, and no {strange}")
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    return stamped(buffer.getvalue())


def stamped(file: bytes) -> bytes:
    """A zip file without a comment, with its manifest."""
    body = file[:-2] + struct.pack("<H", SIZE)
    return body + MANIFEST + hashlib.sha256(body).hexdigest().encode()


def load(path: Path, network: str | None = None, kind: str | None = None) -> dict[str, Any]:
    """Return all that is in the file. Raises a subclass of ``CheckpointError``."""
    try:
        contents = _opened(_read(path), path)
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        raise ForeignCheckpoint(f"{path} holds more than plain tensors and numbers, so it was not loaded.") from error
    except Exception as error:  # torch.load promises no particular exception for damaged files
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged ({type(error).__name__}).") from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ForeignCheckpoint(f"{path} is a torch file, but not a checkpoint of this program.")
    if contents.get("version") != VERSION:
        raise ForeignCheckpoint(f"{path} has format version {contents.get('version')}, this program reads {VERSION}.")
    strange = _not_plain(contents)
    if strange is not None:
        raise ForeignCheckpoint(f"{path} holds more than plain tensors and numbers: {strange}.")
    if kind is not None and contents.get("kind") != kind:
        raise ForeignCheckpoint(f"{path} is a checkpoint of {contents.get('kind')!r}, not of {kind!r}.")
    if network is not None and contents.get("network") != network:
        raise ForeignCheckpoint(f"{path} holds the network {contents.get('network')!r}, not {network!r}.")
    return contents


def shown(contents: Mapping[str, Any]) -> Any:
    """The weights that are evaluated: in a training checkpoint that has a mean of them, the mean."""
    average = contents.get("average")
    return average.get("state") if isinstance(average, dict) and average.get("count") else contents.get("state")


def restore(path: Path, network: str, model: nn.Module) -> None:
    """Put the weights of ``path`` into ``model``, all of them or none. Raises a subclass of ``CheckpointError``."""
    put(shown(load(path, network)), model, path)


def put(state: Any, model: nn.Module, path: Path) -> None:
    """Put the weights that were found in ``path`` into ``model``, all of them or none."""
    model.load_state_dict(fitting(state, model.state_dict(), path))


def fitting(state: Any, wanted: Mapping[str, Tensor], path: Path) -> Weights:
    """``state``, if it has the names and shapes of ``wanted`` and its numbers are finite."""
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ForeignCheckpoint(f"{path} holds no weights.")
    found = {name: list(tensor.shape) for name, tensor in state.items()}
    sizes = {name: list(tensor.shape) for name, tensor in wanted.items()}
    differing = [name for name in dict.fromkeys([*sizes, *found]) if sizes.get(name) != found.get(name)]
    if differing:
        lines = [f"{name} {found.get(name, 'missing')} -> {sizes.get(name, 'missing')}" for name in differing]
        raise ForeignCheckpoint(f"{path} holds weights of another network, there -> here: {few(lines)}.")
    rounded = [
        f"{n} {t.dtype} -> {wanted[n].dtype}" for n, t in state.items() if not torch.can_cast(t.dtype, wanted[n].dtype)
    ]
    if rounded:
        raise ForeignCheckpoint(f"{path} holds weights of another kind, there -> here: {few(rounded)}.")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
        raise CorruptCheckpoint(f"The checkpoint {path} holds weights that are not finite.")
    return state


def newest(
    paths: Iterable[Path], check: Callable[[dict[str, Any], Path], object]
) -> tuple[dict[str, Any], Path, list[str]]:
    """Of training checkpoints the one that is furthest on, its path, and why others were rejected.

    ``check`` raises a ``CheckpointError`` for what it does not take. So does this, if none is left.
    """
    good, rejected = [], []
    for path in paths:
        try:
            contents = load(path, kind="training")
            check(contents, path)
            good.append((contents, path))
        except MissingCheckpoint:
            continue
        except CheckpointError as error:
            rejected.append(error)
    if good:
        return *max(good, key=lambda each: position(each[0])), list(map(str, rejected))
    if len(rejected) == 1:
        raise rejected[0]
    raise CorruptCheckpoint(f"There is no checkpoint to go on from: {' '.join(map(str, rejected))}")


def position(contents: Mapping[str, Any]) -> tuple[int, int]:
    """How far a training checkpoint is: the epoch that is being trained, and the steps of it that are done."""
    epoch, step = contents.get("epoch"), contents.get("step")
    return (epoch, step) if isinstance(epoch, int) and isinstance(step, int) else (0, 0)


def _read(path: Path) -> bytes:
    if not os.path.isfile(path):  # Path.is_file raises for a name that is too long
        how = f" It is a folder; in it is {path / BEST}." if os.path.isfile(path / BEST) else ""
        raise MissingCheckpoint(f"There is no checkpoint {path}.{how}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorruptCheckpoint(f"The checkpoint {path} cannot be read: {error.strerror or error}.") from error


def _opened(file: bytes, path: Path) -> Any:
    """What the bytes hold, once they are known to be those that were written."""
    body, manifest = file[:-SIZE], file[-SIZE:]
    if not manifest.startswith(MANIFEST) or len(body) < END:
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged or truncated, or no checkpoint: no manifest.")
    if manifest != MANIFEST + hashlib.sha256(body).hexdigest().encode():
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged: its SHA-256 is not the one in its manifest.")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
            raise ForeignCheckpoint(f"{path} is compressed, and might unpack without end, so it was not loaded.")
    return torch.load(io.BytesIO(file), map_location="cpu", weights_only=True)


def _not_plain(contents: Any) -> str | None:
    """The type of something that is not plain, or None. Looks at a list that is in itself, or in many, once."""
    seen: set[int] = set()
    waiting = [contents]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, dict)):
            if id(value) not in seen:
                seen.add(id(value))
                waiting += [*value.keys(), *value.values()] if isinstance(value, dict) else value
        elif type(value) is Tensor:
            if value.layout != torch.strided or value.numel() * value.element_size() > value.untyped_storage().nbytes():
                return "tensor larger than its memory"
        elif value is not None and not isinstance(value, (bool, int, float, str)):
            return type(value).__name__
    return None


def few(lines: Iterable[str]) -> str:
    """The first eight, and how many more there are."""
    first, *more = lines
    shown = [first, *more[:7]]
    return "; ".join(shown) + (f"; and {len(more) - 7} more" if len(more) > 7 else "")
