"""Several workers that torchrun starts train as one process does on the joined batch, and end and go on together."""

import signal
from pathlib import Path

import pytest
import torch

from tests.systems import needs_kill
from tests.train import workers
from tests.train.conftest import write_data
from tests.train.programs import FILES, Patch, called, refused
from tests.train.tiny import in_place_of_lenet
from tests.train.worker import EVALUATED, KILLED_AT, SPOILED_AT, STOPPED_AT
from tests.train.workers import Trials, launched, tried
from train import checkpoint, torchrun
from train.cli import COMMANDS, main
from train.errors import OptionError
from train.stopping import Stop
from train.torchrun import Place
from train.world import World

pytestmark = needs_kill  # nobody has torchrun's gloo on Windows, either
SENTENCE = "A run goes on with as many workers as it had, there -> here: {} -> {}."


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """All of them, in one start of two workers."""
    threads = torch.get_num_threads()
    try:
        return tried(tmp_path_factory.mktemp("workers"))
    finally:
        torch.set_num_threads(threads)


def test_gradients_of_whole_numbers_have_the_bits_of_one_process(trials: Trials) -> None:
    """Also where the batch is smaller than the world."""
    assert [worker["exact"] for worker in trials.found] == [[0.0] * 4] * 2


def test_uneven_shares_and_joined_statistics_differ_by_roundings(trials: Trials) -> None:
    """n_r/n is rounded, as is its product, and so is 1/n of one process: 3 u of each share, which may be twice the sum.

    A normalisation divides by a deviation that may be a tenth of the entries, its gradient by its square.
    """
    unit = 2.0**-53
    for worker in trials.found:
        assert max(worker["rounded"]) <= workers.WORKERS * 3 * 2 * unit
        assert max(worker["normalised"]) <= 1e3 * unit


def test_a_whole_run_is_that_of_one_process(trials: Trials) -> None:
    """Float64, no dropout: each worker draws its own masks, which are not those of one process."""
    assert trials.found[0]["joint"][0] == 0
    assert trials.off_one_process() < 1e-10
    ours, theirs = (checkpoint.load(trials.folder / name / "last.pt")["history"] for name in ("joint", "one"))
    for our, their in zip(ours, theirs, strict=True):
        assert our[:4] == pytest.approx(their[:4], rel=1e-10)


def test_evaluation_counts_each_image_once(trials: Trials) -> None:
    for index, count in enumerate(EVALUATED):
        found, wanted, _ = trials.found[0]["evaluated"][index]
        seen = [image for worker in trials.found for image in worker["evaluated"][index][2]]
        assert found == wanted  # sums of whole numbers
        assert sorted(seen) == list(range(count))


def test_only_the_first_worker_prints_and_writes(trials: Trials) -> None:
    first, other = (worker["whole"] for worker in trials.found)
    assert ", 2 workers, seed 0\n" in first[1] and first[1].count("epoch ") >= 3
    assert other == [0, "", ""]
    assert sorted(path.name for path in (trials.folder / "whole").iterdir()) == FILES


def test_the_file_has_the_random_states_of_every_worker(trials: Trials) -> None:
    contents = checkpoint.load(trials.folder / "whole" / "last.pt")
    (other,) = contents["random of other workers"]
    assert not torch.equal(contents["random"]["torch"], other["torch"])
    assert "random of other workers" not in checkpoint.load(trials.folder / "one" / "last.pt")


def test_a_signal_to_one_worker_ends_all_after_the_same_step(trials: Trials) -> None:
    first, other = (worker["stopped"] for worker in trials.found)
    assert first[0] == other[0] == 128 + signal.SIGTERM and other[2] == ""
    assert f"in epoch 2 of 3, after step {STOPPED_AT + 1 - 10} of 10. To go on: torchrun --nproc-per-node 2" in first[2]
    assert [worker["going on"][0] for worker in trials.found] == [0, 0]
    assert trials.differing("stopped") is None


def test_a_number_that_is_none_on_one_worker_stops_all(trials: Trials) -> None:
    first, other = (worker["nan"] for worker in trials.found)
    assert first[0] == other[0] == 1 and other[2] == ""
    assert "The loss became nan: the images of the batch are not finite, on worker 1, at epoch 2, step 5," in first[2]
    assert checkpoint.position(checkpoint.load(trials.folder / "nan" / "last.pt")) <= (2, SPOILED_AT - 10 - 1)


def test_another_number_of_workers_is_refused(trials: Trials) -> None:
    first, other = (worker["of one"] for worker in trials.found)
    assert first[0] == other[0] == 1 and SENTENCE.format(1, 2) in first[2] and other[2] == ""
    with in_place_of_lenet():
        refused(called(main, "--resume", str(trials.folder / "whole")), 1, SENTENCE.format(2, 1))


def test_a_mistake_is_said_once(trials: Trials) -> None:
    first, other = (worker["no data"] for worker in trials.found)
    assert first[0] == other[0] == 1 and first[2].count("\n") == 1 and "nowhere" in first[2] and other[2] == ""
    assert not (trials.folder / "unused").exists()


def test_a_worker_that_is_killed_ends_the_job_and_the_next_one_goes_on(trials: Trials) -> None:
    ended, _ = workers.killed(trials.folder)
    assert ended.returncode == 1 and "Worker 0 of 2: another one has ended" in ended.stderr
    reached = checkpoint.position(checkpoint.load(trials.folder / "killed" / "last.pt"))
    assert (2, 0) < reached <= (2, KILLED_AT - 10)
    again = workers.gone_on(trials.folder)
    assert again.returncode == 0 and f"goes on in epoch 2 of 3, after step {reached[1]} of 10" in again.stdout
    assert trials.differing("killed") is None


def test_the_program_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LeNet by hand; what torch's C++ has to say is not said."""
    # Without compiled loops, and without what each worker says of that or of compiling them.
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore::RuntimeWarning")
    data, out = write_data(tmp_path / "data"), tmp_path / "out"
    words = ("--no-report", "--data-dir", str(data), "--epochs", "1", "--max-train", "41", "--batch-size", "20")
    ended = launched("train", *words, "--out", str(out))
    assert ended.returncode == 0 and not ended.stderr, ended.stderr
    assert ended.stdout.count("test accuracy") == 1 and "61,706 parameters, backend manual" in ended.stdout
    assert sorted(path.name for path in out.iterdir()) == FILES


@pytest.fixture
def second(monkeypatch: Patch) -> None:
    """The environment of worker 1 of 2."""
    for name, value in zip(torchrun.NAMES, ("1", "2", "1", "localhost", "1"), strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "words", [("evaluate", "x"), ("predict", "x", "y"), ("compare",), ("trace",), ("report", "x"), ("export", "x")]
)
def test_what_is_for_one_process_is_refused(second: None, monkeypatch: Patch, words: tuple[str, ...]) -> None:
    assert called(main, *words) == (1, "", "")
    monkeypatch.setenv("RANK", "0")
    refused(called(main, *words), 1, f"there are 2: start it as python -m train {words[0]}")


def test_every_other_command_is_refused() -> None:
    assert COMMANDS.keys() == {"fit", "evaluate", "predict", "compare", "trace", "report", "export"}


def test_a_wrong_option_is_said_once(second: None, monkeypatch: Patch) -> None:
    assert called(main, "--epochs", "0") == (2, "", "")
    monkeypatch.setenv("RANK", "0")
    refused(called(main, "--epochs", "0"), 2)


@pytest.mark.parametrize(
    "changed",
    [{"RANK": "2"}, {"RANK": "-1"}, {"RANK": "one"}, {"WORLD_SIZE": "0"}, {"MASTER_ADDR": ""}, {"LOCAL_RANK": "-1"}],
)
def test_an_environment_that_is_no_place_is_refused(second: None, monkeypatch: Patch, changed: dict[str, str]) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    refused(called(main, "--epochs", "1"), 1, "is no place among workers")
    for name in torchrun.NAMES[2:]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORLD_SIZE", "2")
    refused(called(main, "--epochs", "1"), 1, "is no place among workers")


def test_a_place() -> None:
    whole = dict(zip(torchrun.NAMES, ("1", "2", "0", "localhost", "1"), strict=True))
    assert torchrun.place({}) == Place() and torchrun.place({"WORLD_SIZE": "1", "RANK": "7"}) == Place()
    assert torchrun.place(whole) == Place(1, 2, 0) and not torchrun.is_first(whole)
    with pytest.raises(OptionError, match="WORLD_SIZE=2"):
        torchrun.place({"WORLD_SIZE": "2"})
    assert torchrun.is_first({"WORLD_SIZE": "2"})


def test_one_device_for_several_workers_is_refused() -> None:
    world = World(Place(1, 2, 1), Stop())
    assert (world.device("cpu"), world.device("cuda")) == ("cpu", "cuda:1")
    with pytest.raises(OptionError, match="--device cuda gives each"):
        world.device("cuda:0")
    assert World(Place(), Stop()).device("cuda:3") == "cuda:3"
