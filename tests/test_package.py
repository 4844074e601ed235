"""The package as a whole: importing it is free, its names are there, typed and described."""

import inspect
import re
import subprocess
import sys
import textwrap
from importlib import import_module, resources

import pytest

import manualconv


def run(code: str, *words: str) -> str:
    """The output of a fresh interpreter."""
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_part_is_imported_by_its_first_use_and_loads_nothing_but_what_it_needs() -> None:
    parts = ("__version__", "geometry.Window", "testing", "testing.ledger", "nn.Conv2d", "testing.cases")
    code = """
        import sys, manualconv, importlib
        for part in sys.argv[1:]:
            if part.startswith("testing"):
                importlib.import_module("manualconv." + part)
            else:
                eval("manualconv." + part)
            print([m for m in ("hypothesis", "numpy", "pytest", "torch") if m in sys.modules])
    """
    said = run(textwrap.dedent(code), *parts).splitlines()
    assert said[:4] == ["[]"] * 4
    assert said[4] in ("['torch']", "['numpy', 'torch']")
    assert said[5] == "['hypothesis', 'numpy', 'torch']"


def test_without_numpy_all_is_there_but_the_definitions() -> None:
    """And they say what is missing."""
    code = """
        import sys, warnings
        sys.modules["numpy"] = None
        warnings.simplefilter("ignore")  # torch says that it has none
        from manualconv import *
        import manualconv
        nn.Conv2d, functional.conv2d, by_hand
        try:
            manualconv.definitions
        except ImportError as error:
            print(error)
    """
    said = "manualconv.definitions are loops in NumPy: pip install '.[testing]' in the clone"
    assert run(textwrap.dedent(code)) == said
    assert callable(manualconv.definitions.to_output)


def test_every_public_part_is_there_and_no_other() -> None:
    for name in manualconv.__all__:
        assert getattr(manualconv, name) is not None
    assert set(dir(manualconv)) == set(manualconv.__all__)
    with pytest.raises(AttributeError, match="module 'manualconv' has no attribute 'nothing'"):
        _ = manualconv.nothing


def test_a_type_checker_reads_the_same_names_from_the_same_places() -> None:
    source = inspect.getsource(manualconv)
    read = {
        f"{module}.{name}" for module, name in re.findall(r"^    from (\S+) import (\w+) as \2$", source, re.MULTILINE)
    }
    places = {f"manualconv.{file}.{name}" for file, names in manualconv._FROM.items() for name in names}
    assert read == places | {f"manualconv.{room}" for room in (*manualconv._ROOMS, *manualconv._BY_NAME)}


def test_the_version_is_a_release_number() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+([abc.]\S+)?", manualconv.__version__)


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files("manualconv").joinpath("py.typed").is_file()


@pytest.mark.parametrize("part", ["autograd", "functional", "nn"])
def test_all_lists_what_is_there(part: str) -> None:
    module = import_module(f"manualconv.{part}")
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name)
        assert not name.startswith("_")


#: Functions that torch has under no name.
OURS_ALONE = {"Connections", "connections", "scaled_tanh", "spectral_norm", "toeplitz"} | {
    f"subsample{n}d" for n in (1, 2, 3)
}


@pytest.mark.parametrize("name", sorted(set(manualconv.functional.__all__) - OURS_ALONE))
def test_functions_have_torch_s_names_and_first_arguments(name: str) -> None:
    import torch.nn.functional as F

    ours = list(inspect.signature(getattr(manualconv.functional, name)).parameters)
    theirs = getattr(F, name, None) or getattr(__import__("torch"), name)
    try:
        expected = list(inspect.signature(theirs).parameters)
    except ValueError:
        return  # a builtin: torch gives no signature
    expected = [p for p in expected if p not in ("args", "kwargs", "_stacklevel")]
    if expected:
        assert [p for p in ours if p in expected] == expected
        assert ours[0] == expected[0]


def test_a_layer_that_is_not_written_here_names_torch_s() -> None:
    from manualconv import nn

    with pytest.raises(AttributeError, match=r"no hand-written layer of that name; torch.nn.LSTM is torch's own"):
        _ = nn.LSTM
    with pytest.raises(
        AttributeError, match=r"no attribute 'Nonsense': no hand-written layer of that name; nor is it in torch$"
    ):
        _ = nn.Nonsense
