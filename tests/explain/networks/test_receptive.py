"""``manualconv rf``: its table and notes, the unit on the image, and a sentence for each mistake."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor, nn
from torchvision import models

from manualconv.cli import main
from manualconv.explain import receptive_fields
from manualconv.explain.field.follow import followed
from manualconv.explain.networks.named import named
from manualconv.explain.networks.unit import Unit, gradient


def sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that cannot be says, in one line."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    return printed


ALEXNET = """\
layer     output  stride  receptive field  effective padding  centre
conv1   96×54×54       4               11                  0       5
pool1   96×26×26       8               19                  0       9
conv2  256×26×26       8               51                 16       9
pool2  256×12×12      16               67                 16      17
conv3  384×12×12      16               99                 32      17
conv4  384×12×12      16              131                 48      17
conv5  256×12×12      16              163                 64      17
pool5    256×5×5      32              195                 64      33
"""


def test_the_table_says_what_does_not_divide(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rf", "alexnet", "--input", "224"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(ALEXNET)
    assert "not whole, rounded down: conv1 (224 + 0 − 11)/4 + 1 = 54.25, pool1 (54 + 0 − 3)/2 + 1 = 26.5" in printed
    assert "left unread: conv1 does not read the last 1 of 224" in printed
    assert printed.endswith("last map: pool5, receptive field 195, stride 32, effective padding 64\n")
    assert main(["rf", "alexnet", "--input", "227"]) == 0
    assert "rounded" not in capsys.readouterr().out
    assert main(["rf", "alexnet"]) == 0  # ImageNet's size
    assert capsys.readouterr().out == printed


def test_an_object_s_size_is_compared() -> None:
    lines = receptive_fields(named("alexnet"), 227, object_size=64).text.splitlines()
    assert lines[0].endswith("field / 64")
    assert [line for line in lines if line.endswith("*")] == [lines[6]]
    assert lines[6].split()[0] == "conv4" and lines[6].endswith("2.05 *")


def test_axes_apart_and_what_is_global() -> None:
    class Excited(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, (3, 5), (1, 2), (1, 0))

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * x.mean((2, 3), keepdim=True).sigmoid()

    text = receptive_fields(Excited(), (8, 9)).text
    assert [line.split()[2:] for line in text.splitlines()[1:4]] == [
        ["1×2", "3×5", "1×0", "0×2"],
        ["all"],
        ["1×2", "all", "(3×5)", "1×0", "0×2"],
    ]
    assert "global: mean (mean) mixes all positions; units behind it see all of the input; in brackets" in text


def test_conditions_on_numbers_are_followed_with_numbers() -> None:
    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.conv(x)
            return self.conv(y) if float(x.abs().sum()) > 0 else y

    figure = receptive_fields(Asking(), 8)
    assert [row.name for row in figure.rows] == ["conv", "sum", "conv#2"]
    assert "followed with numbers" in figure.text
    with pytest.raises(ValueError, match=r"the model \(Asking\) asks for the numbers in a tensor"):
        receptive_fields(Asking().to("meta"), 8)


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    before = {name: t.clone() for name, t in model.state_dict().items()}
    receptive_fields(model, 8, effective=True)
    assert model.training and model[2].training and not model[0]._forward_hooks and not model[0]._forward_pre_hooks
    assert all(torch.equal(t, before[name]) and not t.is_meta for name, t in model.state_dict().items())


def pixels(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def test_a_unit_is_drawn_on_the_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (50, 40), (10, 200, 30)).save(path)
    words = ["rf", "vgg16", "--input", "64x96", "--layer", "pool2", "--unit", "0,5", "--image", str(path)]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert "unit 0,5 of pool2 sees rows 0 to 9, columns 14 to 29 of 64×96" in capsys.readouterr().out
    assert pixels((tmp_path / "receptive_field.png").read_bytes()) == (600, 600)


def test_the_box_and_what_reaches_over_the_border() -> None:
    row = next(row for row in followed(named("vgg16"), (64, 96), 3).rows if row.name == "pool2")
    unit = Unit.of("pool2", row.field, row.output_shape, (64, 96), (0, 5))
    axes = unit.drawing(None).axes[0]
    beyond, inside = (patch for patch in axes.patches if isinstance(patch, Rectangle))
    assert (beyond.get_xy(), beyond.get_width(), beyond.get_height()) == ((13.5, -6.5), 16, 16)
    assert (inside.get_xy(), inside.get_width(), inside.get_height()) == ((13.5, -0.5), 16, 10)
    assert Unit.of("pool2", row.field, row.output_shape, (64, 96), None).place == (8, 12)


def test_the_effective_field_of_a_chain_of_sums() -> None:
    """Three 3×3 layers of equal weights: each axis counts (1,1,1)∗(1,1,1)∗(1,1,1)."""
    model = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(3))).double()
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(1)
    row = followed(model, (11, 13), 1).rows[-1]
    heat = gradient(model, 1, Unit.of("2", row.field, row.output_shape, (11, 13), None))
    rows, columns = torch.zeros(11, dtype=torch.float64), torch.zeros(13, dtype=torch.float64)
    rows[2:9] = columns[3:10] = torch.tensor([1.0, 3, 6, 7, 6, 3, 1], dtype=torch.float64)
    assert torch.equal(heat, rows[:, None] * columns)
    figure = receptive_fields(model, (11, 13), effective=True)
    # In 3×3 pixels lie (19/27)² of it, just less than half.
    assert "half of the gradient lies in 5×5 pixels, 95% in 7×7" in figure.text
    assert [pixels(make()) for make in figure.files.values()] == [(600, 600)] * 2


def test_a_factory_of_yours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
from torch import nn
def network(): return nn.Sequential(nn.Conv1d(2, 2, 3), nn.Conv1d(2, 2, 3, 2))
def taking(size): return nn.Identity()
made = nn.Conv2d(3, 3, 7)
number = 5
def numbers(): return [1]
def leaving(): raise SystemExit(3)
"""
    (tmp_path / "my_networks.py").write_text(text, encoding="utf-8")
    (tmp_path / "broken_networks.py").write_text("import nowhere_at_all", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["rf", "my_networks:network", "--input", "32"]) == 0
    assert "last map: 1, receptive field 5, stride 2, effective padding 0" in capsys.readouterr().out
    assert main(["rf", "my_networks:made", "--input", "9x9"]) == 0
    assert "--input is needed for my_networks:made: the size" in sentence(["rf", "my_networks:made"], capsys)
    capsys.readouterr()
    for target, said in {
        "my_networks:taking": "my_networks:taking() gives no network: TypeError",
        "my_networks:number": "my_networks:number is a int",
        "my_networks:leaving": "my_networks:leaving() gives no network: SystemExit: 3",
        "my_networks:numbers": "my_networks:numbers gives list, where a torch.nn.Module is needed",
        "my_networks:none": "my_networks:none cannot be imported: AttributeError",
        "broken_networks:network": "broken_networks:network cannot be imported: ModuleNotFoundError",
        "my_networks:network --unit 1 --image x.png": "this network's input has 1 axes, not 2",
        "my_networks:network --unit 99": "unit 99 is not on the map of 1, which has 14 positions (0 to 13)",
    }.items():
        assert said in sentence(["rf", *target.split(), "--input", "32"], capsys)


MISTAKES = {
    "alexnet --input a": "one length or one per axis",
    "alexnet --input 8": "conv1 (Conv2d) does not take an input of 1×3×8×8",
    "alexnet --input 0": "an input of 3 channels and size 0 has no positions",
    "alexnet --input 224 --channels 1": "conv1 (Conv2d) does not take an input of 1×1×224×224",
    "alexnet --input 224x224x3": "conv1 (Conv2d) does not take an input of 1×3×224×224×3",
    "alexnex --input 224": "no network 'alexnex': alexnet, zf5, vgg16, torchvision:NAME, or module:factory",
    "torchvision:resnet19 --input 224": "no network of torchvision's is called 'resnet19'; did you mean resnet",
    "torchvision:qqq --input 224": "no network of torchvision's is called 'qqq'; there are alexnet",
    "alexnet --input 224 --layer conv9": "no layer is called 'conv9'; did you mean conv",
    "alexnet --input 224 --unit 5,5": "unit 5,5 is not on the map of pool5, which has 5×5 positions (0 to 4,4)",
    "alexnet --input 224 --unit 5": "unit 5 is not on the map of pool5",
    "alexnet --input 224 --unit a": "a position as 3,3, not 'a'",
    f"alexnet --input 224 --image {__file__}": "holds no picture that Pillow reads",
    "alexnet --input 224 --object 0": "an object has a size of at least 1 pixel, not 0",
    "alexnet --input 99999999999999999": "size 99999999999999999 is too large to follow: at most 50,000 each",
    "torchvision:resnet18.layer9 --input 224": "no module is called 'layer9'; did you mean layer",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_a_sentence(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert MISTAKES[words] in sentence(["rf", *words.split()], capsys)


def test_an_image_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rf", "alexnet", "--input", "224", "--image", "nowhere.png"]) == 1
    assert capsys.readouterr().err == "manualconv: nowhere.png: No such file or directory.\n"


def test_without_the_library_that_reads_images_there_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "pip install '.[explain]'" in sentence(["rf", "alexnet", "--input", "224", "--image", __file__], capsys)


def test_a_part_of_a_torchvision_network_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rf", "torchvision:retinanet_resnet50_fpn.backbone.body", "--input", "96"]) == 0
    assert "last map: layer4.2.add, receptive field 427, stride 32" in capsys.readouterr().out


def test_what_leaves_torch_is_said() -> None:
    class Leaving(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return torch.from_numpy(super().forward(x).numpy() * 2)

    said = "not followed to the end: the model's result comes from new tensors behind conv2d"
    assert said in receptive_fields(Leaving(1, 1, 3), 8).text
    assert "not followed" not in receptive_fields(nn.Conv2d(1, 1, 3), 8).text


def test_a_model_of_two_inputs_is_told_to_be_wrapped() -> None:
    with pytest.raises(ValueError, match=r"the model \(Bilinear\) .*wrap a model that takes more in a module"):
        receptive_fields(nn.Bilinear(3, 3, 3), 8)
    with pytest.raises(TypeError, match=r"the input is 8.5; it is a whole number"):
        receptive_fields(nn.Conv2d(3, 3, 3), 8.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a model is a torch.nn.Module, not str"):
        receptive_fields("alexnet", 224)  # type: ignore[arg-type]


def test_a_network_that_cannot_be_followed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = sentence(["rf", "torchvision:ssdlite320_mobilenet_v3_large", "--input", "320"], capsys)
    assert "(SSD) asks for the numbers in a tensor" in said and len(said) < 400
    assert "give its backbone alone: torchvision:NAME.backbone" in said
    said = sentence(["rf", "torchvision:raft_small", "--input", "128"], capsys)
    assert "(RAFT) does not take an input of 1×3×128×128: TypeError" in said
    assert "wrap a model that takes more in a module that takes one" in said


def test_lazy_layers_are_asked_to_run_first() -> None:
    with pytest.raises(ValueError, match="lazy layers"):
        receptive_fields(nn.LazyConv2d(3, 3), 8, 3)


def test_a_dense_network_has_no_map() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    figure = receptive_fields(model, 4)
    assert figure.text.splitlines()[-1] == "no layer keeps the positions of the input" and not figure.files
    said = receptive_fields(nn.ReLU(), 8).text.splitlines()[-1]
    assert said == "no layer reads a window: each unit sees its own position alone"
    with pytest.raises(ValueError, match="no layer of this network keeps the positions"):
        receptive_fields(model, 4, unit=(0, 0))
    assert "unit 0,0 of 1 sees rows 0 to 3, columns 0 to 3 of 4×4" in receptive_fields(model, 4, layer="1").text


def test_modules_are_layers_too() -> None:
    with torch.device("meta"):
        model: Any = models.resnet18(weights=None)
    said = receptive_fields(model, 224, layer="layer2", unit=(0, 0)).text.splitlines()[-1]
    assert said == "unit 0,0 of layer2 sees rows 0 to 49, columns 0 to 49 of 224×224"
    with pytest.raises(ValueError, match="this one has none"):
        receptive_fields(model, 224, effective=True)


def test_what_wraps_a_model() -> None:
    """Compiled, it is followed as Python; scripted, it cannot be; a weight may be computed; half precision is one."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2))
    plain = receptive_fields(model, 8).text
    assert receptive_fields(torch.compile(model), 8).text.replace("_orig_mod.", "").split() == plain.split()
    assert receptive_fields(nn.Sequential(*model).half(), 8).text == plain
    normed = nn.Sequential(nn.utils.parametrizations.weight_norm(model[0]), model[1])
    assert receptive_fields(normed, 8).text.replace(".conv2d", "").split() == plain.split()
    with pytest.raises(ValueError, match="scripted"):
        receptive_fields(torch.jit.script(nn.Sequential(nn.ReLU())), 8)
