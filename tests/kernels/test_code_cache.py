"""Code kept between processes: found, damaged, without a place, another processor's; and the line that says so."""

import importlib.util
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
from manualconv.kernels import code_cache, compiling

if not compiling.is_installed():
    pytest.skip("Numba is told to compile nothing", allow_module_level=True)
import numba
from numba.core.caching import FunctionCache

LOOP = """
from manualconv.kernels.compiling import compiled

@compiled
def doubled(x):
    for i in range(x.shape[0]):
        x[i] *= 2
"""
Doubled = Callable[[], Any]


@pytest.fixture
def doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doubled:
    """A loop of a module of its own, imported anew at each call as another process would, with its code beside it."""
    path = tmp_path / "loop.py"
    path.write_text(LOOP, encoding="utf-8")
    monkeypatch.setattr(code_cache, "_warned", [])
    monkeypatch.setattr(code_cache, "_said", [])
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")  # wherever this process was told to keep code

    def anew() -> Any:
        code_cache._stamp.cache_clear()
        spec = importlib.util.spec_from_file_location("manualconv.a_loop_for_a_test", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.doubled

    return anew


def run(loop: Any) -> None:
    """It doubles."""
    x = np.arange(5.0)
    loop(x)
    assert np.array_equal(x, 2 * np.arange(5.0))


def kept(path: Path, ending: str) -> list[Path]:
    return sorted(path.rglob(f"*.{ending}"))


def test_the_first_process_says_that_it_compiles_and_the_second_finds_the_code(
    doubled: Doubled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = doubled(), doubled()
    run(first)
    first(np.arange(3, dtype=np.float32))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("manualconv: compiling loops for this processor, once") == 1
    run(second)
    assert not second.stats.cache_misses
    assert capsys.readouterr().err == ""
    assert kept(tmp_path, "nbi")


@pytest.mark.parametrize(("rank", "lines"), [("0", 1), ("1", 0)])
def test_the_first_of_torchrun_s_workers_says_it_for_all(
    doubled: Doubled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rank: str, lines: int
) -> None:
    monkeypatch.setenv("LOCAL_RANK", rank)
    run(doubled())
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_a_change_in_a_file_beside_the_loop_s_is_noticed(doubled: Doubled, tmp_path: Path) -> None:
    run(doubled())
    (tmp_path / "called.py").write_text("FACTOR = 2\n", encoding="utf-8")
    again = doubled()
    run(again)
    assert again.stats.cache_misses


def test_a_part_is_compiled_into_the_loop_that_calls_it_and_not_apart(doubled: Doubled, tmp_path: Path) -> None:
    loop = LOOP.replace("import compiled", "import compiled, part").replace("x[i] *= 2", "twice(x, i)")
    (tmp_path / "loop.py").write_text(f"{loop}\n@part\ndef twice(x, i):\n    x[i] *= 2\n", encoding="utf-8")
    first = doubled()
    run(first)
    assert first.signatures
    assert not first.py_func.__globals__["twice"].signatures
    assert len(kept(tmp_path, "nbi")) == 1


def test_nothing_is_said_of_other_people_s_loops(doubled: Doubled, capsys: pytest.CaptureFixture[str]) -> None:
    from numba import njit

    run(njit(doubled().py_func.__class__(doubled().py_func.__code__, {"__name__": "theirs"})))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"no code", pickle.dumps("no code"), pickle.dumps({1: 2})])
def test_a_damaged_cache_is_one_warning_and_mends_itself(
    doubled: Doubled, tmp_path: Path, ending: str, damage: bytes
) -> None:
    run(doubled())
    for path in kept(tmp_path, ending):
        path.write_bytes(damage)
    again = doubled()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        run(again)
        again(np.arange(3, dtype=np.float32))
    of_another_version = ending == "nbi" and damage.startswith(b"\x80")  # no failure: the index is written anew
    assert len(found) == (not of_another_version)
    assert all("cannot be read" in str(w.message) and "compiled anew" in str(w.message) for w in found)
    assert again.stats.cache_misses
    third = doubled()
    run(third)
    assert not third.stats.cache_misses


@pytest.mark.parametrize("name", ["no_such_module\nPlan", "manualconv.kernels.code_cache\nNoSuchPlan"])
def test_code_of_a_version_with_other_names_is_compiled_anew_without_a_warning(
    doubled: Doubled, tmp_path: Path, name: str
) -> None:
    """An index has the types of a loop's arguments: a tuple that was moved to another file could not be read."""
    run(doubled())
    for path in kept(tmp_path, "nbi"):
        path.write_bytes(pickle.dumps(numba.__version__) + f"c{name}\n.".encode())
    again, third = doubled(), doubled()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(again)
        run(third)
    assert again.stats.cache_misses
    assert not third.stats.cache_misses


def test_a_full_disk_is_one_warning(doubled: Doubled, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, sig: object, data: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FunctionCache, "_save_overload", full)
    loop = doubled()
    with pytest.warns(RuntimeWarning, match="cannot be written .*No space left.*NUMBA_CACHE_DIR") as found:
        run(loop)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop(np.arange(3, dtype=np.float32))
    assert len(found) == 1


def test_with_no_place_for_a_cache_each_process_compiles(doubled: Doubled, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(self: object, loop: object) -> None:
        raise RuntimeError("no locator available")

    monkeypatch.setattr(FunctionCache, "__init__", nowhere)
    run(doubled())


def test_another_processor_s_code_is_not_found(doubled: Doubled, monkeypatch: pytest.MonkeyPatch) -> None:
    run(doubled())
    here = FunctionCache._index_key
    monkeypatch.setattr(
        FunctionCache, "_index_key", lambda self, *of: (*here(self, *of)[:1], "another", *here(self, *of)[2:])
    )
    other = doubled()
    run(other)
    assert other.stats.cache_misses
