"""Models written for other programs."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import normalised, varied
from tests.tools.snippet import Refuses, Right, TorchRuns, snippet

RECORDS = "the trace records torch's operators, so that its derivatives are torch's"
RECORDED, TRACED = TorchRuns(RECORDS), Right(RECORDS)  # torch.jit.trace also runs the model, to compare
REFUSED = Refuses(
    "refuses: derivatives by hand are not TorchScript; `manualconv.restore(model)` first", "restore(model)"
)


@snippet("torch.jit", "torch", network=normalised, nn=TRACED, convert=TRACED, by_hand=TRACED)
def traced_by_jit(model: Module, x: Tensor, target: Tensor) -> Any:
    """A trace at another batch size, and its gradients."""
    program = torch.jit.trace(model, (x,))
    y = program(torch.cat([x, x.flip(0), 2 * x]))
    return y, torch.autograd.grad(y.square().sum(), list(program.parameters()))


@snippet("torch.jit", "torch", nn=REFUSED, convert=REFUSED, by_hand=TorchRuns("scripted code is torch's"))
def scripted(model: Module, x: Tensor, target: Tensor) -> Any:
    """TorchScript."""
    return torch.jit.script(model)(x)


@snippet(
    "ONNX (dynamo=False)",
    "onnxruntime",
    network=normalised,
    dtype=torch.float32,
    nn=RECORDED,
    convert=RECORDED,
    by_hand=RECORDED,
)
def onnx_by_a_trace(model: Module, x: Tensor, target: Tensor) -> Any:
    """The old exporter, at another batch size."""
    import io

    import onnxruntime

    file, axes = io.BytesIO(), {"images": {0: "batch"}}
    torch.onnx.export(model, (x,), file, dynamo=False, input_names=["images"], dynamic_axes=axes)
    session = onnxruntime.InferenceSession(file.getvalue())
    return session.run(None, {"images": torch.cat([x, x.flip(0), 2 * x]).numpy()})


@snippet("ONNX (dynamo=True)", "onnxruntime", network=varied, dtype=torch.float32)
def onnx_by_dynamo(model: Module, x: Tensor, target: Tensor) -> Any:
    """A model that ONNX Runtime runs, at another batch size."""
    import onnxruntime

    program = torch.onnx.export(model, (x,), dynamo=True, dynamic_shapes=({0: "batch"},), verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    more = torch.cat([x, x.flip(0), 2 * x])
    return session.run(None, {session.get_inputs()[0].name: more.numpy()})


@snippet("torch.export", "torch", network=varied)
def exported(model: Module, x: Tensor, target: Tensor) -> Any:
    """A program saved and loaded, at another batch size, and its gradients."""
    import io

    program = torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    y = loaded(torch.cat([x, x.flip(0), 2 * x]))
    return y, torch.autograd.grad(y.square().sum(), list(loaded.parameters()))


@snippet("safetensors", "safetensors", network=varied)
def stored(model: Module, x: Tensor, target: Tensor) -> Any:
    """Weights saved without pickle and loaded into a copy."""
    import copy
    import tempfile

    from safetensors.torch import load_model, save_model

    other = copy.deepcopy(model)
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, f"{folder}/model.safetensors")
        load_model(other, f"{folder}/model.safetensors")
    return other(x)
