"""The README cannot go stale: its code runs, its links lead somewhere, its figures are filled in."""

import re
from inspect import getsource
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image, ImageChops

from manualconv import nn
from manualconv.autograd.correlation import Convolution
from manualconv.cli import main
from manualconv.explain import article_figure
from manualconv.explain.figures import FIGURES
from tests.pages import DOCS, links_of

ROOT = DOCS.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("number", [0, 1, 2, 5], ids=["to see", "to change", "modules", "rules"])
def test_every_example_runs(number: int) -> None:
    assert len(EXAMPLES) == 6
    exec(compile(EXAMPLES[number], "README.md", "exec"), {})


def test_the_models_example_prints_what_stands_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The same layers are counted, and the differences are as small as the README says, give or take their noise."""
    exec(compile(EXAMPLES[3], "README.md", "exec"), {})
    printed = capsys.readouterr().out
    shown = re.findall(r"```\n(by_hand.*?)```", README, flags=re.DOTALL)[0]
    assert re.sub(r"\S+e-\d+", "", printed).split() == re.sub(r"\S+e-\d+", "", shown).split()
    assert all(float(figure) < 1e-9 for figure in re.findall(r"\S+e-\d+", printed + shown))


def test_third_order_through_batch_norm_is_what_stands_below_it_and_torch_raises(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RuntimeError) as raised:
        exec(compile(EXAMPLES[4], "README.md", "exec"), {})
    *shown, error = re.findall(r"```\n(\d+\.\d+\n.*?)```", README, flags=re.DOTALL)[0].splitlines()
    assert error == f"RuntimeError: {raised.value}"
    printed = [float(line) for line in capsys.readouterr().out.split()]
    assert len(printed) == 2
    assert printed == pytest.approx([float(line) for line in shown], rel=1e-12)
    assert printed[0] == pytest.approx(printed[1], rel=1e-12)


def test_the_backward_pass_shown_is_the_one_that_runs() -> None:
    (shown,) = re.findall(r"```\n(x, w = ctx.*?)```", README, flags=re.DOTALL)
    source = [line.strip() for line in getsource(Convolution.backward).splitlines()]
    assert [line for line in shown.splitlines() if line not in source] == []
    assert len(shown.splitlines()) == 5


def test_the_animation_shown_is_what_its_command_draws(tmp_path: Path) -> None:
    """Step by step; few pixels are other ones where a font is drawn otherwise."""
    name, words = re.findall(r"\((docs/pictures/\S+)\)\n\n`manualconv (animate .*) --out pictures`", README)[0]
    assert main([*words.split(), "--out", str(tmp_path)]) == 0
    with Image.open(ROOT / name) as kept, Image.open(tmp_path / "conv.gif") as drawn:
        assert (kept.size, kept.n_frames) == (drawn.size, drawn.n_frames)
        for n in range(kept.n_frames):
            kept.seek(n), drawn.seek(n)
            assert is_near(kept, drawn)


def is_near(kept: Image.Image, drawn: Image.Image) -> bool:
    """Whether all but a few pixels are alike."""
    off = ImageChops.difference(kept.convert("L"), drawn.convert("L"))
    return kept.size == drawn.size and sum(off.histogram()[32:]) < 0.02 * off.width * off.height


def test_the_pictures_are_the_figures() -> None:
    """`manualconv figures --out docs/pictures` draws them anew."""
    files = {name: make for figure in FIGURES for name, make in article_figure(figure).files.items()}
    assert {path.name for path in (DOCS / "pictures").glob("*.png")} == set(files)
    for name in ("05-influence.png", "09-toeplitz.png", "12-max-pooling.png"):
        with Image.open(DOCS / "pictures" / name) as kept, Image.open(BytesIO(files[name]())) as drawn:
            assert is_near(kept, drawn), name


def test_the_receptive_fields_shown_are_computed(capsys: pytest.CaptureFixture[str]) -> None:
    command, shown = re.findall(r"```\n\$ manualconv (rf [^\n]*)\n(.*?)```", README, flags=re.DOTALL)[0]
    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown


#: How many links a page has at the least.
LINKS = {"RULES.md": 3, "DERIVATIVES.md": 6, "../README.md": 11, "../CONTRIBUTING.md": 2}


@pytest.mark.parametrize("page", sorted({path.name for path in DOCS.glob("*.md")} | {*LINKS}))
def test_every_link_leads_to_a_file(page: str) -> None:
    links = links_of(page)
    assert len(links) >= LINKS.get(page, 0)
    assert [link for link in links if not link.exists()] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_named_is_one(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`", (ROOT / page).read_text(encoding="utf-8")))
    assert named and named <= targets


def absent(floor: ModuleType) -> set[str]:
    """The modules of a file of torch.nn that are not written by hand."""
    return {name for name in floor.__all__ if not hasattr(nn, name)}


def test_its_limits_name_the_modules_that_are_missing() -> None:
    of = torch.nn.modules
    missing = set().union(*map(absent, (of.activation, of.batchnorm, of.instancenorm, of.normalization)))
    said = README.split("## Limits")[1].split("; losses other than")[0]
    assert set(re.findall(r"`(\w+)`", said)) == missing
    assert [absent(floor) for floor in (of.conv, of.pooling, of.padding)] == [set()] * 3


def test_no_output_is_left_to_fill_in() -> None:
    assert re.findall(r"@[A-Z]+@", README) == []


def test_its_speeds_are_those_of_the_results_file_and_of_the_run_that_it_shows() -> None:
    results = (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    means = re.findall(r"^\| convolution \| (float\d\d) \| f\+b \| exact \| ([\d.]+) \|", results, flags=re.MULTILINE)
    said = re.findall(r"is ([\d.]+) × torch's speed in float32 and ([\d.]+) × in float64", README.replace("\n  ", " "))
    assert dict(means) == dict(zip(("float32", "float64"), said[0]))
    ratio = re.findall(r"^time .*speed-up ([\d.]+)", README, flags=re.MULTILINE)
    assert ratio == re.findall(r"epoch has ([\d.]+) × its speed above", README.replace("\n  ", " "))
