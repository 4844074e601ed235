"""A file is replaced whole, in an order that a loss of power cannot spoil, and what the system refuses is said."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.train.programs import Patch
from train import durable
from train.errors import OutputError

CALLS = ("open", "fchmod", "write", "fsync", "close", "link", "replace", "unlink")
SIZE = 2 * durable.BLOCK + 17


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A folder with an old file, and one that is older still."""
    (tmp_path / "last.pt").write_bytes(b"old")
    (tmp_path / "previous.pt").write_bytes(b"older")
    return tmp_path / "last.pt"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def recorded(patch: Patch, folder: Path) -> list[str]:
    """Every call of the system that changes something or makes it durable, with the file that it is about."""
    calls: list[str] = []
    names: dict[int, str] = {}

    def spelled(argument: Any) -> str:
        if isinstance(argument, int):
            return names.get(argument, "?")
        path = Path(argument)
        short = "." if path == folder else path.name
        return short.replace(f".{os.getpid()}", "")

    def record(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            result = original(*arguments, **more)
            if name == "open":
                names[result] = spelled(arguments[0])
            count = 2 if name in ("link", "replace") else 1
            calls.append(" ".join([name, *map(spelled, arguments[:count])]))
            return result

        return call

    for name in CALLS:
        patch.setattr(os, name, record(name, getattr(os, name)))
    return calls


def test_the_order_of_the_calls_stands_for_a_loss_of_power(last: Path, monkeypatch: Patch) -> None:
    """Only what is flushed is renamed, only what the folder knows for good is forgotten elsewhere."""
    compared: list[tuple[int, bytes]] = []
    compare = durable._compare
    with monkeypatch.context() as patch:
        calls = recorded(patch, last.parent)

        def watched(path: Path, wanted: memoryview) -> None:
            compared.append((len(calls), path.read_bytes()))
            compare(path, wanted)

        patch.setattr(durable, "_compare", watched)
        durable.write(last, bytes(SIZE), last.with_name("previous.pt"))
    new, old = ".last.pt.tmp", ".previous.pt-old.tmp"
    written = [f"open {new}", f"fchmod {new}", *[f"write {new}"] * 3, f"fsync {new}", f"close {new}"]
    flushed = ["open .", "fsync .", "close ."]
    renamed = [f"replace {new} last.pt", *flushed, f"replace {old} previous.pt", *flushed]
    assert calls == [*written, f"link last.pt {old}", *renamed]
    assert compared == [(len(written), bytes(SIZE))]  # read again before the rename
    assert contents(last.parent) == {"last.pt": bytes(SIZE), "previous.pt": b"old"}


def test_a_new_file_has_the_user_s_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    mask = os.umask(0o027)
    try:
        durable.write(path, b"a")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        durable.write(path, b"b", tmp_path / "previous.pt")
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(mask)


def failing(patch: Patch, name: str, number: int, times: int) -> list[int]:
    """Let the system refuse the first calls."""
    original, left = getattr(os, name), [times]

    def call(*arguments: Any, **more: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return original(*arguments, **more)

    patch.setattr(os, name, call)
    return left


@pytest.mark.parametrize("name", ["open", "write", "fsync"])
@pytest.mark.parametrize(("times", "passes"), [(1, True), (2, False)])
def test_an_i_o_error_is_tried_once_more(last: Path, monkeypatch: Patch, name: str, times: int, passes: bool) -> None:
    with monkeypatch.context() as patch:
        left = failing(patch, name, errno.EIO, times)
        if passes:
            durable.write(last, b"new", last.with_name("previous.pt"))
        else:
            with pytest.raises(OutputError, match=r"last\.pt cannot be written: .*; [\d,]+ bytes are free there\."):
                durable.write(last, b"new", last.with_name("previous.pt"))
    assert left == [0]
    wanted = {"last.pt": b"new", "previous.pt": b"old"} if passes else {"last.pt": b"old", "previous.pt": b"older"}
    assert contents(last.parent) == wanted


@pytest.mark.parametrize("name", ["open", "write", "fsync", "replace"])
def test_a_full_disk_is_tried_once_only(last: Path, monkeypatch: Patch, name: str) -> None:
    with monkeypatch.context() as patch:
        failing(patch, name, errno.ENOSPC, 1)
        with pytest.raises(OutputError, match="No space left on device"):
            durable.write(last, b"new", last.with_name("previous.pt"))
    assert contents(last.parent) == {"last.pt": b"old", "previous.pt": b"older"}


def test_a_disk_that_takes_part_of_a_write_is_given_the_rest(last: Path, monkeypatch: Patch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, block: write(descriptor, block[:1000]))
    wanted = os.urandom(5000)
    durable.write(last, wanted)
    assert last.read_bytes() == wanted


def test_what_is_read_is_compared_with_what_was_written(last: Path, monkeypatch: Patch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, block: write(descriptor, bytes(len(block))))
    for wrong in (b"new", bytes(SIZE) + b"\1"):
        with pytest.raises(OutputError, match="not what is read"):
            durable.write(last, wrong)
    assert contents(last.parent) == {"last.pt": b"old", "previous.pt": b"older"}


def test_a_file_system_without_links_is_given_a_copy(last: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    durable.write(last, b"new", last.with_name("previous.pt"))
    assert contents(last.parent) == {"last.pt": b"new", "previous.pt": b"old"}


def test_files_of_killed_processes_are_swept_and_others_are_not(last: Path) -> None:
    for name in (".last.pt.12.tmp", ".last.pt.9-old.tmp", ".best.pt.12.tmp", "last.pt.tmp"):
        (last.parent / name).write_bytes(b"half")
    durable.sweep(last)
    assert sorted(contents(last.parent)) == [".best.pt.12.tmp", "last.pt", "last.pt.tmp", "previous.pt"]


def test_a_folder_that_is_gone_is_said(last: Path) -> None:
    shutil.rmtree(last.parent)
    with pytest.raises(OutputError, match="No such file"):
        durable.write(last, b"new")
