"""A converted layer: by hand in its own forward, torch's in everything around it, and nothing left behind."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.ao.quantization import fuse_modules
from torch.nn.modules import module as hooks_of_all

from manualconv import Rules, by_hand, convert, exact_input, restore, set_rules
from manualconv.swap.layer import is_by_hand
from manualconv.torch_internals import function_modes
from tests.layers import spread_out
from tests.swap.networks import ours


def layer() -> torch.nn.Module:
    torch.manual_seed(0)
    return convert(torch.nn.Conv2d(2, 3, (3, 2)).double())


X = spread_out((2, 2, 5, 4)).requires_grad_()


def test_a_layer_runs_by_hand_and_its_forward_alone_as_torch_s() -> None:
    conv = layer()
    assert ours(conv(X)) and not ours(conv.forward(X))
    with by_hand():
        assert ours(conv.forward(X)) and ours(conv(X))
    assert not ours(restore(conv)(X))


class Called:
    """A forward that is an object."""

    def __init__(self, forward: Callable[..., Tensor]) -> None:
        self.forward = forward

    def __call__(self, x: Tensor) -> Tensor:
        return self.forward(x)


@pytest.mark.parametrize("wrapped", [partial, Called, torch.enable_grad(), lambda f: lambda x: f(x)])
def test_a_forward_that_a_tool_wraps_afterwards_runs_by_hand(wrapped: Callable[..., Any]) -> None:
    conv = layer()
    conv.forward = wrapped(conv.forward)
    assert ours(conv(X))


@pytest.mark.parametrize("when", ["before convert", "after convert"])
@pytest.mark.parametrize("prepend", [False, True])
def test_hooks_run_as_torch_s(when: str, prepend: bool) -> None:
    seen: dict[str, bool] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            seen[name] = ours(F.relu(X))

        return hook

    conv = torch.nn.Conv2d(2, 3, 2).double()
    if when == "after convert":
        convert(conv)
    conv.register_forward_pre_hook(note("pre"), prepend=prepend)
    conv.register_forward_hook(note("post"), prepend=prepend)
    convert(conv)
    handles = [
        hooks_of_all.register_module_forward_pre_hook(note("global pre")),
        hooks_of_all.register_module_forward_hook(note("global post")),
    ]
    try:
        assert ours(conv(X))
    finally:
        for handle in handles:
            handle.remove()
    assert seen == {"pre": False, "post": False, "global pre": False, "global post": False}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["pre", "prepended pre", "forward", "post", "prepended post"])
def test_an_error_anywhere_leaves_torch_s_arithmetic_and_an_empty_stack(error: type, where: str) -> None:
    def fail(*_: Any) -> None:
        raise error

    conv, after = layer(), layer()
    if where.endswith("pre"):
        conv.register_forward_pre_hook(fail, prepend=where.startswith("prepended"))
    elif where.endswith("post"):
        conv.register_forward_hook(fail, prepend=where.startswith("prepended"))
    else:
        conv.weight.register_hook(lambda _: None)
        conv._conv_forward = fail
    with pytest.raises(error):
        conv(X)
    assert not ours(F.relu(X))
    if issubclass(error, Exception):
        assert function_modes() == []
    assert ours(after(X))
    assert function_modes() == []


@pytest.mark.parametrize("registered", ["register_forward_pre_hook", "register_forward_hook"])
@pytest.mark.parametrize("prepend", [False, True])
def test_a_layer_restored_in_the_middle_of_its_call_leaves_no_mode(registered: str, prepend: bool) -> None:
    conv, mode = layer(), by_hand()
    getattr(conv, registered)(lambda *_: restore(conv) and None, prepend=prepend)
    with mode:
        conv(X)
        assert function_modes() == [mode]
    conv, restored = layer(), layer()
    getattr(conv, registered)(lambda *_: restore(restored) and None, prepend=prepend)
    assert ours(conv(X)), "a mode of another layer stays"
    assert function_modes() == []


def test_a_mode_that_a_layer_leaves_on_is_left_on() -> None:
    mode = by_hand()
    conv = layer()
    conv.register_forward_hook(lambda *_: mode.__enter__() and None, prepend=True)
    conv(X)
    assert function_modes() == [mode]
    mode.__exit__(None, None, None)


def test_a_layer_called_by_a_hook_of_its_own_leaves_the_outer_call_by_hand() -> None:
    inside: list[bool] = []

    def again(module: torch.nn.Module, args: Any) -> None:
        if not inside:
            inside.append(False)
            inside[0] = ours(module(*args))

    conv = layer()
    conv.register_forward_pre_hook(again)
    assert ours(conv(X)) and inside == [True]


def test_a_mode_left_behind_below_another_block_goes_with_the_next_layer_after_it() -> None:
    class Interrupt(BaseException):
        pass

    def fail(*_: Any) -> None:
        raise Interrupt

    conv, after = layer(), layer()
    conv._conv_forward = fail
    with pytest.raises(Interrupt):
        conv(X)
    with by_hand() as block:
        assert ours(after(X)) and function_modes()[-1] is block
    assert not ours(F.relu(X))
    assert ours(after(X)) and function_modes() == []


def test_a_block_that_a_hook_opened_on_top_of_the_layer_s_mode_stays() -> None:
    conv, block = layer(), by_hand()

    def between(*_: Any) -> None:
        block.__enter__()

    conv.register_forward_pre_hook(between)  # after ours: the block lies on top of the layer's mode
    try:
        assert ours(conv(X))
        assert function_modes() == [block]
    finally:
        block.__exit__(None, None, None)


def test_layers_inside_a_layer() -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Conv1d(1, 1, 1, dtype=torch.float64)

        def forward(self, w: Tensor) -> Tensor:
            return w * self.scale(torch.ones(1, 1, 1, dtype=torch.float64)).reshape(())

    conv = torch.nn.utils.parametrize.register_parametrization(torch.nn.Conv2d(2, 3, 2).double(), "weight", Scaled())
    expected = conv(X)
    torch.testing.assert_close(convert(conv)(X), expected, rtol=0, atol=1e-12)
    assert ours(conv(X))


def test_a_hook_registered_in_the_process_that_loads_a_model_takes_nobody_s_place() -> None:
    stored = pickle.dumps(layer())
    loaded = pickle.loads(stored)
    torch.utils.hooks.RemovableHandle.next_id, before = 0, torch.utils.hooks.RemovableHandle.next_id
    try:
        loaded.register_forward_pre_hook(lambda *_: None)
        loaded.register_forward_hook(lambda *_: None)
    finally:
        torch.utils.hooks.RemovableHandle.next_id = before
    assert ours(loaded(X))


def test_a_shallow_copy_computes_with_its_own_weights() -> None:
    conv = layer()
    twin = copy.copy(conv)
    twin._parameters = {name: torch.nn.Parameter(torch.zeros_like(p)) for name, p in conv._parameters.items()}
    assert twin(X).eq(0).all() and not conv(X).eq(0).all()
    replica = conv._replicate_for_data_parallel()
    replica.weight, replica.bias = conv.weight * 2, conv.bias * 2
    torch.testing.assert_close(replica(X), 2 * conv(X), rtol=0, atol=1e-12)


def test_other_threads_run_by_hand_too() -> None:
    conv = layer()
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: ours(conv(X)), range(32)))


class Deep(torch.fx.Tracer):
    """Traces into every layer."""

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        return False


def test_rules_and_ties_do_not_get_lost_in_a_graph_that_is_traced_into_layers() -> None:
    conv, pool = layer(), convert(torch.nn.MaxPool2d(2))
    assert Deep().trace(torch.nn.Sequential(conv, pool))
    set_rules(conv, input=exact_input)
    with pytest.raises(torch.fx.proxy.TraceError, match="holds neither derivative rules nor ties"):
        Deep().trace(torch.nn.Sequential(conv))
    pool.ties = "split"
    with pytest.raises(torch.fx.proxy.TraceError, match="MaxPool2d"):
        Deep().trace(torch.nn.Sequential(pool))
    assert torch.fx.symbolic_trace(torch.nn.Sequential(conv, pool))(X).shape == (2, 3, 1, 1)


def test_an_error_in_a_layer_that_a_tool_made_of_ours_leaves_an_empty_stack() -> None:
    """torch.ao moves hooks to the fused layer, and does not say which of them run always."""
    fused = fuse_modules(
        convert(torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.BatchNorm2d(3)).eval()), [["0", "1"]]
    )
    assert ours(fused(X.float()))
    with pytest.raises(RuntimeError, match="channels"):
        fused(torch.zeros(1, 5, 4, 4))
    assert function_modes() == []
    assert ours(fused(X.float()))
    assert not any(is_by_hand(module) for module in restore(fused).modules())


def test_rules_and_ties_reach_a_converted_layer_and_come_back_with_it() -> None:
    def twice(x: Tensor, w: Tensor, grad_output: Tensor, window: Any) -> Tensor:
        return 2 * exact_input(x, w, grad_output, window)

    def slope(model: torch.nn.Module) -> Tensor:
        x = torch.zeros(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(model(x).sum(), x)[0]

    model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.MaxPool2d(2)).double()
    with pytest.raises(TypeError, match=r"manualconv\.convert\(model\)"):
        set_rules(model, input=twice)
    plain = slope(convert(model))
    assert torch.equal(slope(set_rules(model, input=twice)), 2 * plain)
    with Rules(input=twice):
        assert torch.equal(slope(set_rules(model)), 2 * plain)
    set_rules(model, input=twice)
    assert torch.equal(slope(restore(model)), plain)
    assert torch.equal(slope(convert(model)), 2 * plain)
    model[1].ties = "split"
    assert torch.equal(slope(set_rules(model)).count_nonzero(), torch.tensor(16))
