"""A run that was stopped anywhere and goes on is bit for bit the run that was not; what is not its own is refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.systems import needs_kill
from tests.train.conftest import digits, idx
from tests.train.equality import difference, differing
from tests.train.programs import FILES, ROOT, Ended, Patch, called, refused
from tests.train.tiny import in_place_of_lenet, small_run
from train import checkpoint, machine, runs
from train import fit as fitting
from train.cli import main
from train.models import NETWORKS

LENET = NETWORKS["lenet5"]
EPOCHS, STEPS, EVALUATIONS = 3, 10, 4  # 220 images in batches of 24; three validations of 20 images, one test
Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def network(monkeypatch: Patch) -> Iterator[None]:
    """Nothing here loses power, so that nobody waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    with in_place_of_lenet():
        yield


@pytest.fixture
def fit(small_data: Path, tmp_path: Path) -> Run:
    """Start a tiny run in a folder of tmp_path, or go on with it."""

    def run(*options: str, out: str = "out") -> Ended:
        return called(main, *small_run(small_data, EPOCHS), "--out", str(tmp_path / out), *options)

    return run


def resume(path: Path, *options: str) -> Ended:
    return called(main, "--resume", str(path), *options)


def raising(patch: Patch, name: str, at: int, what: str = "SIGTERM") -> None:
    """Send a signal at that step of the run, or in that evaluation."""
    original, count, number = getattr(fitting, name), [0], signal.Signals[what]

    def step(*arguments: Any) -> Iterator[Any]:
        for item in original(*arguments):
            count[0] += 1
            if count[0] == at:
                signal.raise_signal(number)
            yield item

    def evaluate(*arguments: Any) -> Any:
        count[0] += 1
        if count[0] == at:
            signal.raise_signal(number)
        return original(*arguments)

    patch.setattr(fitting, name, step if name == "steps" else evaluate)


def said(ended: Ended) -> str:
    return ended.out.splitlines()[-1]


POINTS = [("steps", at) for at in range(1, EPOCHS * STEPS + 1)] + [("evaluate", at) for at in range(1, EVALUATIONS + 1)]


def test_a_run_stopped_at_any_step_or_evaluation_is_bit_for_bit_the_run_that_was_not(
    fit: Run, tmp_path: Path, monkeypatch: Patch
) -> None:
    whole = fit(out="whole")
    assert whole.code == 0 and whole.out.count("epoch ") >= EPOCHS
    for name, at in POINTS:
        out = tmp_path / f"{name}{at}"
        with monkeypatch.context() as patch:
            raising(patch, name, at)
            stopped = fit(out=out.name)
        refused(stopped, 128 + signal.SIGTERM, f"To go on: python -m train --resume {out}")
        place = checkpoint.position(checkpoint.load(out / "last.pt"))
        assert place == ((1 + (at - 1) // STEPS, 1 + (at - 1) % STEPS) if name == "steps" else place)
        again = resume(out)
        assert (again.code, again.err, said(again)) == (0, "", said(whole))
        assert differing(tmp_path / "whole", out) is None, (name, at)


def test_a_run_that_is_stopped_at_every_step(fit: Run, tmp_path: Path, monkeypatch: Patch) -> None:
    whole = fit(out="whole")
    with monkeypatch.context() as patch:
        raising(patch, "steps", 1)
        fit()
    stops = 1
    while True:
        with monkeypatch.context() as patch:
            raising(patch, "steps", 1)
            ended = resume(tmp_path / "out")
        if ended.code == 0:
            break
        stops += 1
    assert stops == EPOCHS * STEPS
    assert said(ended) == said(whole)
    assert differing(tmp_path / "whole", tmp_path / "out") is None


def test_checkpoints_on_the_way_change_nothing(fit: Run, tmp_path: Path) -> None:
    fit(out="whole")
    fit("--checkpoint-every", "3", out="often")
    ours, theirs = (checkpoint.load(tmp_path / name / "last.pt") for name in ("whole", "often"))
    for contents in (ours, theirs):
        contents["history"], contents["options"] = None, None
    assert difference(ours, theirs) is None
    assert checkpoint.position(checkpoint.load(tmp_path / "often" / "previous.pt")) == (EPOCHS, 9)


def test_the_comparison_notices_one_bit(fit: Run, tmp_path: Path) -> None:
    fit()
    shutil.copytree(tmp_path / "out", tmp_path / "other")
    assert differing(tmp_path / "out", tmp_path / "other") is None
    contents = checkpoint.load(tmp_path / "other" / "last.pt")
    contents["optimizer"]["state"][0]["momentum_buffer"].view(torch.int32)[3, 4] ^= 1
    (tmp_path / "other" / "last.pt").write_bytes(checkpoint.sealed(contents))
    found = differing(tmp_path / "out", tmp_path / "other")
    assert found == "last.pt.optimizer.state.0.momentum_buffer"


def test_a_finished_run_says_its_result_again(fit: Run, tmp_path: Path) -> None:
    first, again = fit(), resume(tmp_path / "out")
    assert again.code == 0 and said(again) == said(first)
    assert sorted(os.listdir(tmp_path / "out")) == FILES


@pytest.fixture
def stopped(fit: Run, tmp_path: Path, monkeypatch: Patch) -> Path:
    """A run that was stopped in its third epoch, and has a previous.pt of the second's end."""
    with monkeypatch.context() as patch:
        raising(patch, "steps", 2 * STEPS + 4)
        assert fit().code == 128 + signal.SIGTERM
    return tmp_path / "out"


def test_it_goes_on_from_a_file_elsewhere(fit: Run, stopped: Path, tmp_path: Path) -> None:
    whole = fit(out="whole")
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(stopped / "last.pt", tmp_path / "elsewhere" / "mine.pt")
    ended = resume(tmp_path / "elsewhere" / "mine.pt", "--out", str(tmp_path / "new"))
    assert ended.code == 0 and said(ended) == said(whole)
    assert differing(tmp_path / "whole", tmp_path / "new") is None
    assert os.listdir(tmp_path / "elsewhere") == ["mine.pt"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seed", "1"), "--seed 0 -> 1"),
        (("--epochs", "6"), "--epochs 3 -> 6"),
        (("--seed", "0", "--lr", "0.1", "--batch-size", "20"), "--batch-size 24 -> 20; --lr 0.05 -> 0.1"),
        (("--dtype", "float64"), "--dtype float32 -> float64"),
        (("--backend", "manual"), "--backend torch -> manual"),
    ],
)
def test_options_of_another_run_are_refused_with_what_differs(
    stopped: Path, options: tuple[str, ...], words: str
) -> None:
    before = {path: path.read_bytes() for path in stopped.iterdir()}
    ended = resume(stopped, *options)
    refused(ended, 1, words)
    assert "What may change: --threads, --data-dir, --dataset, --device, --checkpoint-every, --no-report, " in ended.err
    assert {path: path.read_bytes() for path in stopped.iterdir()} == before


def test_options_that_change_no_result_may_be_others(fit: Run, stopped: Path, tmp_path: Path) -> None:
    fit(out="whole")
    moved = (tmp_path / "data").rename(tmp_path / "moved")
    refused(resume(stopped), 1, "data does not exist")
    ended = resume(stopped, "--data-dir", str(moved), "--checkpoint-every", "2", "--no-progress", "--seed", "0")
    assert ended.code == 0 and not ended.err
    assert json.loads((stopped / "options.json").read_text("utf-8"))["checkpoint_every"] == 2
    assert checkpoint.load(stopped / "best.pt").keys() == checkpoint.load(tmp_path / "whole" / "best.pt").keys()


def test_other_images_are_refused(stopped: Path, small_data: Path) -> None:
    images, _ = digits(240, seed=9)
    (small_data / "train-images-idx3-ubyte").write_bytes(idx(images, "images"))
    refused(resume(stopped), 1, "are not those that the run")


def test_another_machine_is_said(stopped: Path, monkeypatch: Patch) -> None:
    ended = resume(stopped, "--threads", "2")
    assert ended.code == 0
    assert ended.err == "The last bits may be others than without the stop: threads 1 -> 2.\n"


def test_another_architecture_is_refused_with_names_and_shapes(stopped: Path, monkeypatch: Patch) -> None:
    build = machine.build

    def wider(*arguments: Any) -> torch.nn.Module:
        model = build(*arguments)
        model.add_module("2", torch.nn.Linear(49, 13))
        model.add_module("7", torch.nn.Linear(10, 10, bias=False))
        return model

    monkeypatch.setattr(machine, "build", wider)
    refused(resume(stopped), 1, "2.weight [12, 49] -> [13, 49]; 2.bias [12] -> [13]; 7.weight missing -> [10, 10]")


def test_the_newest_good_checkpoint_is_used_and_the_other_is_named(fit: Run, stopped: Path, tmp_path: Path) -> None:
    fit(out="whole")
    whole = (stopped / "last.pt").read_bytes()
    (stopped / "last.pt").write_bytes(whole[:-1000] + b"?" + whole[-999:])
    (stopped / ".last.pt.999.tmp").write_bytes(whole)
    refused(resume(stopped / "last.pt"), 1, "SHA-256")
    ended = resume(stopped)
    assert ended.code == 0
    assert re.fullmatch(r"Not used: The checkpoint \S*last\.pt is damaged: its SHA-256 .*\n", ended.err)
    assert "goes on in epoch 3 of 3, after step 0 of 10, from " in ended.out
    assert differing(tmp_path / "whole", stopped) is None
    assert sorted(os.listdir(stopped)) == FILES


def test_a_damaged_last_does_not_take_the_place_of_a_good_previous_one(stopped: Path, monkeypatch: Patch) -> None:
    good = (stopped / "previous.pt").read_bytes()
    (stopped / "last.pt").write_bytes(b"damaged")
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "introduce", lambda this: signal.raise_signal(signal.SIGKILL) if False else this.close())
        patch.setattr(fitting, "_train_and_test", lambda *_: 0)
        assert resume(stopped).code == 0
    assert (stopped / "previous.pt").read_bytes() == good
    assert checkpoint.load(stopped / "last.pt")["epoch"] == checkpoint.load(stopped / "previous.pt")["epoch"]


def test_of_two_good_ones_the_one_that_is_further_on(stopped: Path) -> None:
    (stopped / "last.pt").rename(stopped / "aside")
    (stopped / "previous.pt").rename(stopped / "last.pt")
    (stopped / "aside").rename(stopped / "previous.pt")
    assert "after step 4 of 10" in resume(stopped).out


def test_a_best_that_is_lost_or_damaged_is_made_again(fit: Run, stopped: Path, tmp_path: Path) -> None:
    fit(out="whole")
    (stopped / "best.pt").write_bytes(b"damaged")
    (stopped / "metrics.csv").unlink()
    (stopped / "options.json").unlink()
    assert resume(stopped).code == 0
    assert differing(tmp_path / "whole", stopped) is None


def test_nothing_good_is_refused_with_every_reason(stopped: Path) -> None:
    for name in ("last.pt", "previous.pt"):
        (stopped / name).write_bytes((stopped / name).read_bytes()[:-1])
    ended = resume(stopped)
    refused(ended, 1, "There is no checkpoint to go on from")
    assert ended.err.count("truncated") == 2


def test_files_that_are_not_of_this_run_are_refused(fit: Run, stopped: Path, tmp_path: Path) -> None:
    fit("--seed", "5", out="other")
    shutil.copy(tmp_path / "other" / "last.pt", stopped / "last.pt")
    ended = resume(stopped)
    assert ended.code == 0
    assert "of another run than" in ended.err and "--seed 0 -> 5" in ended.err
    shutil.copy(stopped / "best.pt", stopped / "last.pt")
    assert "is a checkpoint of 'weights', not of 'training'" in resume(stopped).err
    refused(resume(stopped / "best.pt"), 1, "is a checkpoint of 'weights', not of 'training'")


@pytest.mark.parametrize("name", ["nowhere", "nowhere/last.pt", "empty", "data"])
def test_there_is_no_run(fit: Run, tmp_path: Path, small_data: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    refused(resume(tmp_path / name), 1, "There is no run in")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_still_runs_is_left_alone(stopped: Path) -> None:
    held = runs.MetricsFile(stopped / "metrics.csv", is_new=False)
    refused(resume(stopped), 1, "in use by another run")
    held.close()
    assert resume(stopped).code == 0


def test_a_table_of_somebody_s_is_not_written_over(stopped: Path) -> None:
    (stopped / "metrics.csv").write_text("epoch,loss\n", encoding="utf-8")
    refused(resume(stopped), 1, "nothing is overwritten")


STRANGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no options": lambda c: c.pop("options"),
    "an option too many": lambda c: c["options"].update(depth=3),
    "an option out of range": lambda c: c["options"].update(epochs=0),
    "no optimizer": lambda c: c.pop("optimizer"),
    "an epoch that is none": lambda c: c.update(epoch=1.5),
    "an epoch without its rows": lambda c: c.update(epoch=9),
    "a step before the first": lambda c: c.update(step=-1),
    "a loss that is no number": lambda c: c.update(loss=float("nan")),
    "half a row": lambda c: c["history"].append([1, 2.0]),
    "a best of no epoch": lambda c: c["best"].update(epoch=99),
    "momentum of another shape": lambda c: c["optimizer"]["state"][0].update(momentum_buffer=torch.zeros(49)),
    "momentum that is not finite": lambda c: c["optimizer"]["state"][0]["momentum_buffer"].fill_(float("inf")),
    "no generators": lambda c: c.pop("random"),
    "generators of another kind": lambda c: c["random"].update(torch=torch.zeros(3)),
    "weights that are a list": lambda c: c.update(state=[1, 2]),
    "a list that holds itself": lambda c: c["history"].append(c["history"]),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_whole_file_of_somebody_else_s_is_refused(stopped: Path, strange: str) -> None:
    contents = checkpoint.load(stopped / "last.pt")
    STRANGE[strange](contents)
    (stopped / "last.pt").write_bytes(checkpoint.sealed(contents))
    refused(resume(stopped / "last.pt"), 1)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_each_signal_has_its_exit_code_and_one_line(fit: Run, tmp_path: Path, monkeypatch: Patch, name: str) -> None:
    raising(monkeypatch, "steps", 7, name)
    before = signal.signal(signal.Signals[name], signal.SIG_DFL)  # the suite may run where it is ignored
    try:
        ended = fit()
    finally:
        signal.signal(signal.Signals[name], before)
    refused(ended, 128 + signal.Signals[name])
    command = f"python -m train --resume {tmp_path / 'out'}"
    assert ended.err == f"Stopped by {name} in epoch 1 of 3, after step 7 of 10. To go on: {command}\n"
    assert sorted(os.listdir(tmp_path / "out")) == ["last.pt", "metrics.csv", "options.json", "previous.pt"]


@needs_kill  # and preexec_fn
def test_a_process_is_stopped_and_another_goes_on(small_data: Path, tmp_path: Path) -> None:
    """LeNet itself."""
    code = """
import sys
from train import fit
from train.cli import main
from train.models import NETWORKS
original = fit.steps
def steps(*arguments):
    for item in original(*arguments):
        print("step", flush=True)
        yield item
fit.steps = steps
sys.exit(main(sys.argv[1:]))
"""
    common = ["--no-report", "--backend", "torch", "--data-dir", str(small_data), "--epochs", "2", "--threads", "1"]
    child = subprocess.Popen(
        [sys.executable, "-c", code, *common, "--out", str(tmp_path / "out")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background starts them with Ctrl-C ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert child.stdout is not None
    while child.stdout.readline() != "step\n":
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, error = child.communicate()
    assert child.returncode == 130
    assert error.startswith("Stopped by SIGINT in epoch 1 of 2, after step ") and error.count("\n") == 1
    words = error.split("python -m train ")[1].split()
    NETWORKS["lenet5"] = LENET
    whole, again = called(main, *common, "--out", str(tmp_path / "whole")), called(main, *words)
    assert (again.code, said(again)) == (0, said(whole))
    assert differing(tmp_path / "whole", tmp_path / "out") is None


@needs_kill
def test_a_second_signal_ends_at_once(small_data: Path, tmp_path: Path) -> None:
    """The first is sent while a step waits for ever."""
    code = f"""
import signal, sys, time
from train import fit
from train.cli import main
from train.models import NETWORKS
def waiting(*_):
    print("waiting", flush=True)
    while True:
        time.sleep(0.05)
    yield
fit.steps = waiting
main(["--backend", "torch", "--data-dir", {str(small_data)!r}, "--out", {str(tmp_path / "out")!r}])
"""
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while child.stdout.readline() != "waiting\n":
        assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.3)
    child.send_signal(signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM
    child.stdout.close()


def test_signals_that_are_ignored_stay_ignored_and_handlers_come_back(fit: Run, monkeypatch: Patch) -> None:
    """As under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        original = fitting.steps

        def steps(*arguments: Any) -> Iterator[Any]:
            for item in original(*arguments):
                signal.raise_signal(signal.SIGHUP)
                yield item

        with monkeypatch.context() as patch:
            patch.setattr(fitting, "steps", steps)
            assert fit().code == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == handler
    finally:
        signal.signal(signal.SIGHUP, before)
