"""A checkpoint is whole or absent, and everything else is refused by name."""

import io
import os
import random
import signal
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from tests.systems import needs_fork
from tests.train.programs import Patch
from train import checkpoint, errors
from train.models import lenet5


def network(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return lenet5(torch.nn)


def weights(seed: int = 0) -> checkpoint.Weights:
    return checkpoint.weights(network(seed))


def write(path: Path, contents: object) -> None:
    """Any contents, with a manifest that fits them."""
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    path.write_bytes(checkpoint.stamped(buffer.getvalue()))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "best.pt"
    checkpoint.save(path, "lenet5", weights(), {"epoch": 3, "validation_accuracy": 0.5})
    return path


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True))


def test_round_trip(saved: Path) -> None:
    assert checkpoint.load(saved, "lenet5")["epoch"] == 3
    model = network(1)
    checkpoint.restore(saved, "lenet5", model)
    assert same(model, network())


def test_the_mode_is_the_users(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        checkpoint.save(tmp_path / "best.pt", "lenet5", weights(), {})
    finally:
        os.umask(mask)
    assert (tmp_path / "best.pt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_not_saved(saved: Path, bad: float) -> None:
    before = saved.read_bytes()
    model = network()
    with torch.no_grad():
        model.get_parameter("3.weight")[0, 0, 0, 0] = bad
    with pytest.raises(errors.NonFiniteError, match=r"3\.weight"):
        checkpoint.save(saved, "lenet5", checkpoint.weights(model), {})
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == ["best.pt"]


def test_nothing_of_a_run_that_is_not_finite_is_saved(saved: Path) -> None:
    """Going on from it would be refused, so that the good one before it must stay."""
    before, bad = saved.read_bytes(), torch.tensor([1.0, float("inf")])
    for facts, place in (
        ({"optimizer": {"state": {0: {"exp_avg_sq": bad}}}}, "optimizer state 0 exp_avg_sq"),
        ({"average": {"count": 2, "state": {"3.weight": bad}}}, "average state 3.weight"),
        ({"best": {"state": {"3.weight": bad}}, "random": [torch.get_rng_state()]}, "best state 3.weight"),
    ):
        with pytest.raises(errors.NonFiniteError, match=f"The {place} are not finite, so .*best.pt was not written"):
            checkpoint.save(saved, "lenet5", weights(), facts, "training", keep=True)
    assert saved.read_bytes() == before and os.listdir(saved.parent) == ["best.pt"]


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_one(
    saved: Path, monkeypatch: Patch, call: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    before = saved.read_bytes()
    monkeypatch.setattr(call, fail)
    with pytest.raises((errors.OutputError, KeyboardInterrupt)):
        checkpoint.save(saved, "lenet5", weights(1), {})
    monkeypatch.undo()
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == ["best.pt"]


@needs_fork
@pytest.mark.parametrize(
    ("call", "when", "expected"), [("fsync", "before", 3), ("replace", "before", 3), ("replace", "after", 4)]
)
def test_a_process_killed_while_writing_leaves_the_old_one_or_the_new_one(
    saved: Path, monkeypatch: Patch, call: str, when: str, expected: int
) -> None:
    original, mine = getattr(os, call), os.getpid()

    def killed(*arguments: object) -> None:
        assert os.getpid() != mine
        if when == "after":
            original(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(os, call, killed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which a child that ends here does not need
        child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # it would wait for ever for the threads of its parent
        try:
            checkpoint.save(saved, "lenet5", weights(1), {"epoch": 4})
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert checkpoint.load(saved, "lenet5")["epoch"] == expected


def test_every_bit_flip_is_refused_by_the_manifest(saved: Path) -> None:
    whole, draw = saved.read_bytes(), random.Random(0)
    for _ in range(150):
        position, bit = draw.randrange(len(whole)), draw.randrange(8)
        saved.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
        model = network(1)
        with pytest.raises(errors.CorruptCheckpoint, match="manifest") as caught:
            checkpoint.restore(saved, "lenet5", model)
        assert "\n" not in str(caught.value)
        assert same(model, network(1))


def test_torch_reads_it_without_this_program(saved: Path) -> None:
    contents = torch.load(saved, weights_only=True)
    assert all(torch.equal(contents["state"][name], tensor) for name, tensor in weights().items())


def test_truncations_are_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        with pytest.raises(errors.CorruptCheckpoint):
            checkpoint.load(saved, "lenet5")


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.pt"
    mark = {"format": checkpoint.FORMAT, "version": checkpoint.VERSION, "network": "lenet5"}
    state = network().state_dict()
    smaller = {**state, "0.weight": state["0.weight"][:5]}
    fewer = {name: tensor for name, tensor in state.items() if name != "11.bias"}
    foreign = {
        "not a checkpoint": state,
        "version": {**mark, "version": 1, "state": state},
        "network 'resnet'": {**mark, "network": "resnet", "state": state},
        "holds no weights": {**mark, "state": [1, 2]},
        "0.weight": {**mark, "state": smaller},
        "11.bias": {**mark, "state": fewer},
        "12.bias": {**mark, "state": {**state, "12.bias": state["11.bias"]}},
        "more than plain": {**mark, "state": state, "where": Path("/")},
    }
    for words, contents in foreign.items():
        write(path, contents)
        model = network(1)
        with pytest.raises(errors.ForeignCheckpoint, match=words):
            checkpoint.restore(path, "lenet5", model)
        assert same(model, network(1))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingCheckpoint):
        checkpoint.load(tmp_path / "nothing.pt", "lenet5")
    with pytest.raises(errors.MissingCheckpoint):
        checkpoint.load(tmp_path, "lenet5")
    (tmp_path / "text.pt").write_text("epoch,loss\n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "archive.pt", "w") as archive:
        archive.writestr("readme", "nothing of torch's")
    for name in ("text.pt", "archive.pt"):
        with pytest.raises(errors.CorruptCheckpoint):
            checkpoint.load(tmp_path / name, "lenet5")


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path, monkeypatch: Patch) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    write(tmp_path / "hostile.pt", {"format": checkpoint.FORMAT, "state": Hostile()})
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(errors.ForeignCheckpoint):
        checkpoint.load(tmp_path / "hostile.pt", "lenet5")
    assert not (tmp_path / "executed").exists()


def test_stored_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = network().state_dict()
    state["11.bias"][3] = float("nan")
    mark = {"format": checkpoint.FORMAT, "version": checkpoint.VERSION, "network": "lenet5"}
    write(tmp_path / "nan.pt", {**mark, "state": state})
    with pytest.raises(errors.CorruptCheckpoint, match="finite"):
        checkpoint.restore(tmp_path / "nan.pt", "lenet5", network())
