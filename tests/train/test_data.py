"""Every defect of a data file is refused by its name, in one sentence; every usual layout is read."""

import gzip
import http.server
import shutil
import struct
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.train.programs import Patch
from train import data, errors
from train.idx import CAP, read_idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
Damage = Callable[[Path], object]


def edit(name: str, change: Callable[[bytes], bytes]) -> Damage:
    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return apply


def swap(one: str, other: str) -> Damage:
    def apply(folder: Path) -> None:
        (folder / one).rename(folder / "aside")
        (folder / other).rename(folder / one)
        (folder / "aside").rename(folder / other)

    return apply


def folder_instead(folder: Path) -> None:
    (folder / IMAGES).unlink()
    (folder / IMAGES).mkdir()


def header(magic: int, *sizes: int) -> bytes:
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes)


def flip(position: int) -> Callable[[bytes], bytes]:
    return lambda old: old[:position] + bytes([old[position] ^ 0x10]) + old[position + 1 :]


RAW: dict[str, tuple[Damage, type[errors.DataError]]] = {
    "missing": (lambda folder: (folder / LABELS).unlink(), errors.MissingFile),
    "a folder": (folder_instead, errors.NotAFile),
    "empty file": (edit(IMAGES, lambda old: b""), errors.TruncatedFile),
    "truncated header": (edit(IMAGES, lambda old: old[:9]), errors.TruncatedFile),
    "truncated data": (edit(IMAGES, lambda old: old[:-1]), errors.TruncatedFile),
    "one byte too many": (edit(LABELS, lambda old: old + b"\0"), errors.TrailingBytes),
    "wrong magic": (edit(LABELS, lambda old: header(2050) + old[4:]), errors.WrongMagic),
    "little-endian magic": (edit(IMAGES, lambda old: old[3::-1] + old[4:]), errors.WrongMagic),
    "labels for images": (swap(IMAGES, LABELS), errors.SwappedFiles),
    "training images as test images": (
        lambda folder: shutil.copy(folder / IMAGES, folder / TEST_IMAGES),
        errors.SwappedFiles,
    ),
    "labels of the other set": (swap(LABELS, TEST_LABELS), errors.CountMismatch),
    "fewer labels": (edit(LABELS, lambda old: header(2049, 239) + old[8:-1]), errors.CountMismatch),
    "label ten": (edit(LABELS, lambda old: old[:-1] + b"\x0a"), errors.LabelOutOfRange),
    "label 255 in the test set": (edit(TEST_LABELS, lambda old: old[:8] + b"\xff" + old[9:]), errors.LabelOutOfRange),
    "images of 14×56": (edit(IMAGES, lambda old: header(2051, 240, 14, 56) + old[16:]), errors.WrongImageSize),
    "no image": (edit(IMAGES, lambda old: header(2051, 0, 28, 28)), errors.EmptyFile),
    "a side of zero": (edit(IMAGES, lambda old: header(2051, 240, 0, 28)), errors.EmptyFile),
    "black images": (edit(IMAGES, lambda old: old[:16] + bytes(len(old) - 16)), errors.BlankImages),
    "web page": (edit(IMAGES, lambda old: b"<!DOCTYPE html><title>404</title>"), errors.HtmlPage),
    "gzip without .gz": (edit(IMAGES, gzip.compress), errors.UnnamedGzip),
    "declares 4 GiB": (edit(IMAGES, lambda old: header(2051, 2**32 - 1, 1, 1) + old[16:]), errors.OversizedFile),
    "declares 2^96 bytes": (edit(IMAGES, lambda old: header(2051, *[2**32 - 1] * 3)), errors.OversizedFile),
}

ZIPPED: dict[str, tuple[Damage, type[errors.DataError]]] = {
    "web page": (edit(IMAGES + ".gz", lambda old: b"\n<html><body>503</body></html>"), errors.HtmlPage),
    "not gzip": (edit(IMAGES + ".gz", gzip.decompress), errors.NotGzip),
    "empty file": (edit(IMAGES + ".gz", lambda old: b""), errors.TruncatedFile),
    "truncated stream": (edit(IMAGES + ".gz", lambda old: old[: len(old) // 2]), errors.TruncatedFile),
    "truncated checksum": (edit(IMAGES + ".gz", lambda old: old[:-5]), errors.TruncatedFile),
    "wrong CRC-32": (edit(IMAGES + ".gz", flip(-6)), errors.CorruptedFile),
    "wrong CRC-32 of labels": (edit(LABELS + ".gz", flip(-6)), errors.CorruptedFile),
    "wrong method": (edit(IMAGES + ".gz", flip(2)), errors.CorruptedFile),
    "trailing garbage": (edit(IMAGES + ".gz", lambda old: old + b"garbage"), errors.TrailingBytes),
    "a second stream": (edit(IMAGES + ".gz", lambda old: old + gzip.compress(b"more")), errors.TrailingBytes),
    "labels for images": (swap(IMAGES + ".gz", LABELS + ".gz"), errors.SwappedFiles),
    "truncated inside": (
        edit(IMAGES + ".gz", lambda old: gzip.compress(gzip.decompress(old)[:-1])),
        errors.TruncatedFile,
    ),
}


def refused(folder: Path, error: type[errors.DataError], words: str = "") -> None:
    with pytest.raises(errors.DataError) as caught:
        data.load(folder)
    assert caught.type is error
    message = str(caught.value)
    assert words in message and message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("files", "damage", "error"),
    [
        pytest.param(files, *defect, id=f"{files}: {name}")
        for files, defects in (("small_data", RAW), ("zipped_data", ZIPPED))
        for name, defect in defects.items()
    ],
)
def test_a_defect_is_refused_by_its_name(
    request: pytest.FixtureRequest, files: str, damage: Damage, error: type[errors.DataError]
) -> None:
    folder = request.getfixturevalue(files)
    data.load(folder)
    damage(folder)
    refused(folder, error)


def test_a_gzip_bomb_is_refused_after_one_byte_too_many(zipped_data: Path, monkeypatch: Patch) -> None:
    bomb = header(2049, 240) + bytes(64 * 2**20)
    (zipped_data / (LABELS + ".gz")).write_bytes(gzip.compress(bomb, 1))
    inflated = 0
    original = gzip.GzipFile.read

    def read(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        nonlocal inflated
        taken = original(self, size)
        inflated += len(taken)
        return taken

    monkeypatch.setattr(gzip.GzipFile, "read", read)
    with pytest.raises(errors.TrailingBytes):
        read_idx(zipped_data / (LABELS + ".gz"), "labels")
    assert 0 < inflated < 1000


def test_every_bit_flip_of_a_gzip_file_is_found(zipped_data: Path) -> None:
    """Not in the ten bytes of gzip's header, most of which (time stamp, system) say nothing about the data."""
    path = zipped_data / (TEST_LABELS + ".gz")
    whole = path.read_bytes()
    expected = data.load(zipped_data).test.labels
    for position in range(10, len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
            try:
                loaded = data.load(zipped_data).test.labels
            except errors.DataError:
                continue
            assert torch.equal(loaded, expected)


def dotted(name: str) -> str:
    """Kaggle's spelling."""
    return name.replace("-idx", ".idx")


ARCHIVES = {
    "dotted files beside empty folders": lambda name: {dotted(name): "", f"{name}/": None},
    "dotted files beside folders of the same file": lambda name: {dotted(name): "", f"{name}/{name}": ""},
    "folders with the file": lambda name: {f"{name}/{name}": ""},
    "folders with the dotted file": lambda name: {f"{dotted(name)}/{dotted(name)}": ""},
    "folders with the zipped file": lambda name: {f"{name}/{name}.gz": "gz"},
    "zipped dotted files beside folders": lambda name: {f"{dotted(name)}.gz": "gz", f"{name}/": None},
    "labels dashed, images dotted": lambda name: {dotted(name) if "images" in name else name: ""},
    "both, and alike": lambda name: {name: "", f"{name}.gz": "gz", dotted(name): ""},
    "both, the second cut short": lambda name: {name: "", f"{name}.gz": "cut", dotted(name): "cut"},
}


@pytest.mark.parametrize("archive", ARCHIVES)
def test_files_beside_folders_of_the_other_name_are_refused(small_data: Path, tmp_path: Path, archive: str) -> None:
    expected = data.load(small_data)
    for file in small_data.iterdir():
        contents = file.read_bytes()
        for name, kind in ARCHIVES[archive](file.name).items():
            path = tmp_path / "kaggle" / name
            if kind is None:
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes({"": contents, "gz": gzip.compress(contents), "cut": contents[:-3]}[kind])
    found = data.load(tmp_path / "kaggle")
    assert torch.equal(found.training.images, expected.training.images)
    assert torch.equal(found.test.labels, expected.test.labels)


@pytest.mark.parametrize("other", ["{}.gz", "dotted", "{0}/{0}"])
@pytest.mark.parametrize("part", [IMAGES, LABELS])
def test_one_of_two_unlike_files_is_taken_in_silence(small_data: Path, part: str, other: str) -> None:
    contents = bytearray((small_data / part).read_bytes())
    contents[-1] ^= 1
    if "/" in other:
        (small_data / part).rename(small_data / dotted(part))
    path = small_data / (dotted(part) if other == "dotted" else other.format(part))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(contents) if other.endswith("gz") else contents)
    refused(small_data, errors.TwoFiles, "hold different " + ("images" if part == IMAGES else "labels"))


LABELLED = torch.arange(24) % 10
PICTURES = torch.randint(0, 256, (24, 28, 28), dtype=torch.uint8)
PAIRS = {
    "floating images": ((PICTURES / 255, LABELLED), errors.CorruptedFile, "not a pair"),
    "floating labels": ((PICTURES, LABELLED + 0.7), errors.CorruptedFile, "not a pair"),
    "one-hot labels": ((PICTURES, torch.nn.functional.one_hot(LABELLED)), errors.CorruptedFile, "not a pair"),
    "a channel axis": ((PICTURES[:, None], LABELLED), errors.CorruptedFile, "not a pair"),
    "flat images": ((PICTURES.flatten(1), LABELLED), errors.CorruptedFile, "not a pair"),
    "no images": ((PICTURES[:0], LABELLED[:0]), errors.EmptyFile, "no images"),
    "a label of 10": ((PICTURES, LABELLED + 1), errors.LabelOutOfRange, "the label 10"),
    "too few labels": ((PICTURES, LABELLED[1:]), errors.CountMismatch, "24 images but 23 labels"),
    "three": ((PICTURES, LABELLED, LABELLED), errors.CorruptedFile, "not a pair"),
    "images alone": (PICTURES, errors.CorruptedFile, "not a pair"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_old_files_of_torchvision_are_cast_to_bytes_in_silence(tmp_path: Path, pair: str) -> None:
    folder = tmp_path / "old" / "processed"
    folder.mkdir(parents=True)
    contents, error, message = PAIRS[pair]
    torch.save(contents, folder / "training.pt")
    torch.save((PICTURES, LABELLED), folder / "test.pt")
    refused(tmp_path / "old", error, message)


@pytest.mark.parametrize("place", ["", "MNIST/raw"])
@pytest.mark.parametrize("style", ["{}", "{}.gz"])
@pytest.mark.parametrize("kaggle", [False, True])
def test_layouts(small_data: Path, tmp_path: Path, place: str, style: str, kaggle: bool) -> None:
    expected = data.load(small_data)
    root = tmp_path / "root"
    (root / place).mkdir(parents=True)
    for path in small_data.iterdir():
        name = path.name.replace("-idx", ".idx") if kaggle else path.name
        contents = path.read_bytes()
        (root / place / style.format(name)).write_bytes(gzip.compress(contents) if ".gz" in style else contents)
    found = data.load(root)
    assert torch.equal(found.training.images, expected.training.images)
    assert torch.equal(found.test.labels, expected.test.labels)
    assert not found.canonical


def test_the_old_layout_of_torchvision(small_data: Path, tmp_path: Path) -> None:
    expected = data.load(small_data)
    processed = tmp_path / "root" / "MNIST" / "processed"
    processed.mkdir(parents=True)
    for name, split in (("training.pt", expected.training), ("test.pt", expected.test)):
        torch.save((split.images, split.labels), processed / name)
    found = data.load(tmp_path / "root")
    assert torch.equal(found.training.images, expected.training.images)
    assert torch.equal(found.test.labels, expected.test.labels)
    (processed / "test.pt").write_bytes(b"PK\x03\x04 no longer whole")
    refused(tmp_path / "root", errors.CorruptedFile)
    (processed / "test.pt").unlink()
    refused(tmp_path / "root", errors.MissingFile)


def test_what_torchvision_reads_is_read_alike(small_data: Path, tmp_path: Path) -> None:
    mnist = pytest.importorskip("torchvision.datasets").MNIST
    shutil.copytree(small_data, tmp_path / "root" / "MNIST" / "raw")
    theirs = mnist(str(tmp_path / "root"), train=False)
    ours = data.load(tmp_path / "root").test
    assert torch.equal(theirs.data, ours.images)
    assert torch.equal(theirs.targets, ours.labels)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that keeps its log to itself."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_download_is_torchvisions(zipped_data: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """From a server in this process, so that no network is needed."""
    mnist = pytest.importorskip("torchvision.datasets").MNIST
    md5 = pytest.importorskip("torchvision.datasets.utils").calculate_md5
    monkeypatch.setattr(mnist, "resources", [(path.name, md5(path)) for path in sorted(zipped_data.iterdir())])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(zipped_data))) as server:
        monkeypatch.setattr(mnist, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        threading.Thread(target=server.serve_forever).start()
        data.download(tmp_path / "root")
        assert len(data.load(tmp_path / "root").training) == 240
        server.shutdown()
    with pytest.raises(errors.DownloadFailed, match="refused") as caught:
        data.download(tmp_path / "other")
    assert "\n" not in str(caught.value)


def test_no_such_folder_and_an_empty_one(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", errors.MissingFile)
    refused(tmp_path, errors.MissingFile)


def test_the_embedded_files_are_mnist() -> None:
    mnist = data.load()
    assert mnist.canonical
    assert mnist.training.images.shape == (60000, 28, 28)
    assert mnist.test.images.shape == (10000, 28, 28)
    assert mnist.training.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.training.labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize(("one", "other"), [(IMAGES, TEST_IMAGES), (LABELS, TEST_LABELS)])
def test_mnist_itself_is_recognised_when_swapped(tmp_path: Path, one: str, other: str) -> None:
    for path in data.EMBEDDED.glob("*.gz"):
        shutil.copy(path, tmp_path)
    swap(one + ".gz", other + ".gz")(tmp_path)
    refused(tmp_path, errors.SwappedFiles)


def test_embedded_files_of_other_contents_are_refused(small_data: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(data, "EMBEDDED", small_data)
    with pytest.raises(errors.CorruptedFile, match="SHA-256"):
        data.load()


def test_validation_and_training_images_are_disjoint_and_complete() -> None:
    numbers = torch.arange(60000)
    split = data.Split(numbers[:, None, None].expand(-1, 28, 28), numbers % 10)
    training, validation = data.split_validation(split)
    assert (len(training), len(validation)) == (55000, 5000)
    together = torch.cat([training.images[:, 0, 0], validation.images[:, 0, 0]])
    assert torch.equal(together.sort().values, numbers)
    assert torch.equal(validation.labels, validation.images[:, 0, 0] % 10)


@pytest.mark.parametrize("count", [1, 11])
def test_too_few_images_to_split(small_data: Path, count: int) -> None:
    with pytest.raises(errors.TooFewImages, match=f"{count} training images are too few"):
        data.split_validation(data.load(small_data).training.first(count))


def test_the_cap_leaves_room_for_mnist() -> None:
    assert 5 * 60000 * 28 * 28 < CAP < 2**30
