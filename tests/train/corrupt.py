"""``make corrupt``: damaged and hostile checkpoints, full disks, and damaged data sets; each is refused by its reason.

The figures are G13 to G16: bit flips, truncations and swapped files of last.pt, pickles that would execute something,
disks that are full at a random byte, and IDX files with every defect, with random headers, and without an end.
"""

import argparse
import errno
import gzip
import io
import os
import random
import re
import resource
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train import test_data
from tests.train.conftest import write_data
from tests.train.forks import ended, forked, warm
from tests.train.programs import ROOT
from tests.train.test_data import Damage, edit, flip, header
from tests.train.tiny import in_place_of_lenet, small_run
from train import checkpoint, data, idx
from train.errors import CheckpointError, DataError

Counts = dict[str, int]
SWAPPED = 20


class Trial:
    """A stopped run to be damaged, and another one to be confused with it."""

    def __init__(self, folder: Path, share: float) -> None:
        self.folder, self.share, self.draw, self.counts = folder, share, random.Random(0), Counts()
        self.data = write_data(folder / "data")
        self.log = folder / "log"
        for name, seed in (("run", "0"), ("other", "1")):
            assert ended(forked([*self.words(folder / name), "--seed", seed], self.log)) == 0, self.log.read_text(
                "utf-8"
            )
        self.run = folder / "run"
        self.whole = {path.name: path.read_bytes() for path in self.run.iterdir()}

    def words(self, out: Path) -> list[str]:
        """A run of two epochs."""
        return [*small_run(self.data, 2), "--out", str(out)]

    def many(self, count: int) -> int:
        """A share of the figure to reach."""
        return max(1, round(count * self.share))

    def refused(self, what: str, contents: bytes, name: str = "last.pt") -> None:
        """The damaged file is refused with a reason; the one before it is used in its place."""
        (self.run / name).write_bytes(contents)
        with pytest.raises(CheckpointError, match=re.escape(name)) as caught:
            checkpoint.load(self.run / name, "lenet5", "training")
        assert "\n" not in str(caught.value)
        found, path, rejected = checkpoint.newest([self.run / "last.pt", self.run / "previous.pt"], lambda *_: None)
        assert path.name == "previous.pt" and len(rejected) == 1 and found["kind"] == "training"
        self.counts[what] = self.counts.get(what, 0) + 1

    def restored(self) -> None:
        """Give the run its files back."""
        for name, contents in self.whole.items():
            (self.run / name).write_bytes(contents)


def checkpoints(this: Trial) -> None:
    """G14."""
    whole, draw = this.whole["last.pt"], this.draw
    for _ in range(this.many(1000)):
        at, bit = draw.randrange(len(whole)), draw.randrange(8)
        this.refused("bit flips refused", whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    for _ in range(this.many(200)):
        this.refused("truncations refused", whole[: draw.randrange(len(whole))])
    others = [
        this.run / "best.pt",
        this.run / "metrics.csv",
        this.run / "options.json",
        this.folder / "other" / "best.pt",
    ]
    others += sorted(this.data.iterdir())
    for number in range(this.many(SWAPPED) - 1):
        this.refused("swapped files refused", others[number % len(others)].read_bytes())
    this.restored()
    (this.run / "last.pt").write_bytes((this.folder / "other" / "last.pt").read_bytes())
    assert ended(forked(["--resume", str(this.run)], this.log)) == 0
    assert "is of another run than" in this.log.read_text("utf-8")
    this.counts["swapped files refused"] = this.counts.get("swapped files refused", 0) + 1
    this.restored()


class Calls:
    """Pickled as a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def hostile(mark: Path) -> Iterator[tuple[str, Any]]:
    """What would make ``mark``, or fill the memory, or never end."""
    touch, python = f"touch {mark}", f"open({str(mark)!r}, 'w')"
    yield "os.system", Calls(os.system, touch)
    yield "os.popen", Calls(os.popen, touch)
    yield "os.mkdir", Calls(os.mkdir, str(mark))
    yield "subprocess.Popen", Calls(subprocess.Popen, ["touch", str(mark)])
    yield "subprocess.call", Calls(subprocess.call, ["touch", str(mark)])
    yield "eval", Calls(eval, python)
    yield "exec", Calls(exec, python)
    yield "open", Calls(open, str(mark), "w")
    yield "io.FileIO", Calls(io.FileIO, str(mark), "w")
    yield "Path.touch", Calls(Path.touch, mark)
    yield "partial", Calls(partial, os.system, touch)
    yield "map", Calls(list, Calls(map, os.system, [touch]))
    yield "__import__", Calls(__import__, "antigravity")
    yield "getattr", Calls(getattr, Calls(import_module, "os"), "system")
    yield "torch.load", Calls(torch.load, "/dev/zero")
    yield "torch.save", Calls(torch.save, [1], str(mark))
    yield "inside a list", [1, {"a": Calls(os.system, touch)}]
    yield "a set", {1, 2}
    yield "a parameter", torch.nn.Parameter(torch.zeros(2))
    yield "a sparse tensor", torch.eye(3).to_sparse()
    yield "a tensor larger than its memory", torch.zeros(1).expand(2**40)
    laughs: list[Any] = [1.0]
    for _ in range(60):
        laughs = [laughs, laughs]
    yield "2^60 numbers", {"state": laughs}


def pickles(this: Trial) -> None:
    """G15. Each has a manifest that fits; torch is told to load whatever comes, which it must not be for us."""
    mark = this.folder / "executed"
    head = {"format": checkpoint.FORMAT, "version": checkpoint.VERSION, "kind": "training", "network": "lenet5"}
    before = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        for name, contents in hostile(mark):
            buffer = io.BytesIO()
            torch.save({**head, "epoch": 1, "step": 0, "state": {}, "more": contents}, buffer)
            file = checkpoint.stamped(buffer.getvalue())
            if name == "2^60 numbers":  # plain, and refused by what is to be in it
                (this.run / "last.pt").write_bytes(file)
                assert ended(forked(["--resume", str(this.run / "last.pt")], this.log)) == 1
                this.counts["hostile pickles refused"] += 1
            else:
                this.refused("hostile pickles refused", file)
            assert not mark.exists(), name
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(2**24))
        this.refused("hostile pickles refused", checkpoint.stamped(packed.getvalue()))
    finally:
        os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
        if before is not None:
            os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = before
    this.restored()


def _limited(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _full_after(size: int) -> None:
    """A disk that takes so many bytes more, and then part of a write or nothing."""
    write, left = os.write, [size]

    def full(descriptor: int, block: memoryview) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = write(descriptor, block[: left[0]])
        left[0] -= taken
        return taken

    os.write = full


def disks(this: Trial) -> None:
    """G13: the system's own limit of a file's size, and a disk that is full."""
    previous = this.whole["previous.pt"]
    for number in range(this.many(24)):
        (this.run / "last.pt").write_bytes(previous)  # the second epoch's checkpoints are still to be written
        (this.run / "options.json").write_bytes(this.whole["options.json"])
        before = {name: (this.run / name).read_bytes() for name in ("last.pt", "previous.pt")}
        size = this.draw.randrange(1500, len(previous))
        full = partial(_limited if number % 2 else _full_after, size)
        code = ended(forked(["--resume", str(this.run), "--checkpoint-every", "1"], this.log, full))
        said = this.log.read_text("utf-8").splitlines()[-1]
        assert code == 1 and "cannot be written" in said and str(this.run) in said and "bytes are free there" in said, (
            said
        )
        assert {name: (this.run / name).read_bytes() for name in before} == before
        assert not list(this.run.glob(".*.tmp"))
        checkpoint.load(this.run / "last.pt", "lenet5", "training")
        this.counts["full disks survived"] = this.counts.get("full disks survived", 0) + 1
    this.restored()


PARTS = (test_data.IMAGES, test_data.LABELS, test_data.TEST_IMAGES, test_data.TEST_LABELS)
EVERY_PART: dict[str, Callable[[bytes], bytes]] = {
    "half of it": lambda old: old[: len(old) // 2],
    "a byte too many": lambda old: old + b"\0",
    "another magic": lambda old: header(2052) + old[4:],
    "a web page": lambda old: b"<html><body>404</body></html>",
}


def data_sets(this: Trial) -> None:
    """G16, the variants: every defect of the tests, and four of every file, zipped and not."""
    defects: list[tuple[bool, Damage, type[DataError]]] = [(False, *each) for each in test_data.RAW.values()]
    defects += [(True, *each) for each in test_data.ZIPPED.values()]
    defects += [(False, edit(part, change), DataError) for part in PARTS for change in EVERY_PART.values()]
    defects += [(True, edit(f"{part}.gz", flip(-6)), DataError) for part in PARTS]
    kept = defects if this.share >= 1 else defects[:: max(1, round(0.2 / this.share))]
    for number, (zipped, damage, wanted) in enumerate(kept):
        folder = write_data(this.folder / f"data{number}")
        for path in list(folder.iterdir()) if zipped else []:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        damage(folder)
        with pytest.raises(wanted) as caught:
            data.load(folder)
        assert "\n" not in str(caught.value)
        this.counts["data sets refused"] = this.counts.get("data sets refused", 0) + 1


def headers(this: Trial) -> None:
    """G16, random headers: sizes near the true ones, and any."""
    path, draw = this.folder / "fuzzed", this.draw
    for _ in range(this.many(100_000)):
        kind = draw.choice(("images", "labels"))
        numbers = [draw.choice((idx.MAGIC[kind], 2049, 2051, draw.getrandbits(32)))]
        numbers += [draw.choice((0, 1, 3, 28, 2**31, 2**32 - 1, draw.getrandbits(32))) for _ in range(idx.AXES[kind])]
        file = struct.pack(f">{len(numbers)}I", *numbers) + bytes(draw.choice((0, 1, 3, 28, 84)))
        path.write_bytes(file[: draw.choice((len(file), draw.randrange(len(file))))])
        try:
            contents, _ = idx.read_idx(path, kind)
        except DataError:
            outcome = "fuzzed headers refused"
        else:
            assert len(contents) == path.stat().st_size
            outcome = "fuzzed headers that were whole files"
        this.counts[outcome] = this.counts.get(outcome, 0) + 1


def write_bomb(path: Path, start: bytes, gibibytes: int = 10) -> None:
    """``start`` and then zeros without end, of which one mebibyte was compressed once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    mebibyte = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first)
        for _ in range(gibibytes * 1024):
            file.write(mebibyte)


READ = """
import sys, time
from pathlib import Path
from train.errors import DataError
from train.idx import read_idx
begin = time.process_time()
try:
    read_idx(Path(sys.argv[1]), "images")
except DataError as error:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    print(type(error).__name__, time.process_time() - begin, peak / 1024)
"""


def bombs(this: Trial) -> None:
    """G16: a header that is small, one that is as large as is read, and one that says the truth. Without torch."""
    for name, sizes in (("small", (240, 28, 28)), ("large", (idx.CAP // 784, 28, 28)), ("true", (2**24, 640, 1))):
        path = this.folder / f"{name}.gz"
        write_bomb(path, header(2051, *sizes), 10 if this.share >= 1 else 1)
        done = subprocess.run([sys.executable, "-c", READ, str(path)], cwd=ROOT, capture_output=True, text=True)
        told, seconds, peak = done.stdout.split()
        print(f"bomb, {name} header: {told} after {float(seconds):.2f} s of processor time, peak {float(peak):.0f} MiB")
        assert float(peak) < 300
        this.counts["gzip bombs refused"] = this.counts.get("gzip bombs refused", 0) + 1
        path.unlink()


PARTS_OF_THE_TRIAL = (checkpoints, pickles, disks, data_sets, headers, bombs)


def trial(folder: Path, share: float) -> Counts:
    """That share of the figures to reach. Raises AssertionError."""
    warm()
    with in_place_of_lenet():
        this = Trial(folder, share)
        for part in PARTS_OF_THE_TRIAL:
            part(this)
    return this.counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.train.corrupt", description="Damage files, and see them refused.")
    parser.add_argument("--share", type=float, default=1.0, help="of the figures to reach (default 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for what, count in trial(Path(temporary), options.share).items():
            print(f"{count:7,} {what}")
    sys.exit(0)
