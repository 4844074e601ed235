"""The table of spellings: none of torch's names is missing, and each in it runs by hand and equals torch's."""

import re
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad
from torch.overrides import get_overridable_functions, get_testing_overrides

from manualconv import by_hand
from manualconv.swap.table import COMPOSITES, TABLE, activation
from manualconv.torch_internals import underscored
from tests.layers import FUNCTIONS, close, spread_out
from tests.swap.calls import CALLS, IMAGES, ROWS
from tests.swap.networks import both
from tests.test_by_hand import Operators, exercise

# ------------------------------------------------------------------------------------------------ none is missing

#: What a name of the family holds.
FAMILY = re.compile(
    r"conv|linear|elu|softmax|sigmoid|expit|tanh|silu|mish|hard|softplus|threshold|dropout|pool|fold|im2col|col2im|"
    r"(^|_)pad|attention|lstm|(^|_)gru|"
    r"(batch|layer|group|instance|response|rms)_norm|loss|cross_entropy|kl_div"
)

#: Names of the family that stay torch's, and why.  Functions made of others are entered, and not asked for here.
LEFT = {
    "no hand-written operation of the kind yet": """
        bilinear conv_tbc prelu rrelu rrelu_ rrelu_with_noise rrelu_with_noise_ rms_norm
        cosine_embedding_loss ctc_loss hinge_embedding_loss kl_div margin_ranking_loss multi_margin_loss
        multilabel_margin_loss poisson_nll_loss soft_margin_loss triplet_margin_loss""",
    "the same padding under a mode's number": "_pad_enum",
    "a copy of a view": "unfold_copy",
    "asks for one of torch's kernels by its name": """
        _conv_depthwise2d conv_depthwise3d slow_conv3d slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d
        slow_conv_transpose3d thnn_conv2d miopen_convolution miopen_convolution_add_relu miopen_convolution_relu
        miopen_convolution_transpose miopen_depthwise_convolution mkldnn_linear mkldnn_reorder_conv2d_weight
        mkldnn_reorder_conv3d_weight _native_batch_norm_legit native_batch_norm native_layer_norm native_group_norm
        miopen_batch_norm _fused_rms_norm batch_norm_stats batch_norm_update_stats batch_norm_gather_stats
        batch_norm_gather_stats_with_counts batch_norm_elemt batch_norm_backward_elemt batch_norm_backward_reduce
        native_dropout""",
    "one fused layer, whose parts no mode sees": "rnn_relu rnn_tanh lstm gru",
    "quantised or packed": """
        _wrapped_linear_prepack _wrapped_quantized_linear_prepacked fbgemm_linear_fp16_weight
        fbgemm_linear_fp16_weight_fp32_activation fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation
        fbgemm_linear_quantize_weight quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d
        quantized_rnn_relu_cell quantized_rnn_tanh_cell quantized_lstm_cell quantized_gru_cell quantized_batch_norm
        pad_sequence""",
    "a view": "unfold",
    "another function that shares letters": """
        arctanh arctanh_ atanh atanh_ _sym_tanh _upsample_bilinear2d_aa upsample_bilinear2d upsample_linear1d
        upsample_trilinear3d""",
}


def every_function() -> set[Callable[..., Any]]:
    """All that torch offers to modes, and the functions of ``torch._C._nn``."""
    raw = [getattr(torch._C._nn, name) for name in dir(torch._C._nn) if not name.startswith("__")]
    groups = get_overridable_functions().values()
    return {f for f in (*get_testing_overrides(), *raw, *(f for group in groups for f in group)) if callable(f)}


@pytest.mark.filterwarnings("ignore")
def test_every_name_of_the_family_is_in_the_table_or_left_for_a_reason() -> None:
    names = {
        getattr(f, "__name__", "")
        for f in every_function()
        if f not in TABLE
        and f not in COMPOSITES
        and FAMILY.search(getattr(f, "__name__", ""))
        # Of lists of tensors, as optimisers have them.
        and getattr(f, "__module__", "") != "torch.foreach"
    }
    left = {name for group in LEFT.values() for name in group.split()}
    assert names - left == set()
    # A name that came into the table is no longer left, but for Tensor.unfold, which only shares its name.
    assert {f.__name__ for f in TABLE} & left == {"unfold"}
    assert len(names) > 40


#: Arguments whose default is another on purpose: torch's bindings reduce nothing, whatever its schemas say, and
#: functions that return indices are one of ours with that argument.
OTHERWISE = {"reduction", "return_indices"}


def defaults(theirs: Any) -> dict[str, list[Any]]:
    """The defaults of a function of torch's, of each of its overloads."""
    try:
        return {p.name: [p.default] for p in signature(theirs).parameters.values() if p.default is not p.empty}
    except ValueError:
        packet, found = getattr(torch.ops.aten, theirs.__name__, None), dict[str, list[Any]]()
        for overload in () if packet is None else packet.overloads():
            for argument in getattr(packet, overload)._schema.arguments:
                if argument.has_default_value():
                    found.setdefault(argument.name, []).append(argument.default_value)
        return found


def test_an_argument_that_is_left_out_is_what_it_is_for_torch() -> None:
    wrong, count = [], 0
    for theirs, ours in TABLE.items():
        there = defaults(theirs)
        for name, mine in signature(ours).parameters.items():
            if mine.default is not mine.empty and name in there and name not in OTHERWISE:
                count += 1
                # A number stands for one on each axis, and no stride for none.
                equal = [set(d) <= {mine.default} if isinstance(d, list) else d == mine.default for d in there[name]]
                wrong += [] if any(equal) else [(theirs.__name__, name, mine.default, there[name])]
    assert wrong == []
    assert count > 200


def test_the_audit_sees_a_missing_name() -> None:
    offered = {getattr(f, "__name__", "") for f in every_function() if FAMILY.search(getattr(f, "__name__", ""))}
    assert {"conv2d", "relu_", "softmax", "special_expit", "max_pool2d_with_indices", "linear"} <= offered


# --------------------------------------------------------------------------------------------- each is by hand


EACH = [pytest.param(*call, id=f"{f.__name__}-{n}") for f, calls in CALLS.items() for n, call in enumerate(calls)]


def test_every_spelling_is_called_here() -> None:
    assert set(CALLS) == set(TABLE)


@pytest.mark.parametrize(("apply", "shapes"), EACH)
def test_a_spelling_runs_by_hand_and_equals_torch_s(
    apply: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...]
) -> None:
    inputs = [spread_out(shape, n).requires_grad_() for n, shape in enumerate(shapes)]
    with by_hand():
        ran = exercise(apply, inputs)
    assert ran.names and not ran.forbidden
    close(*((y, *grad(y, inputs, spread_out(y.shape, 7))) for y in both(lambda: apply(*inputs))))


# ------------------------------------------------------------------------------------------------ forms of a call

WITH_OUT = {
    "linear": lambda x, out: F.linear(x, spread_out((2, 4)), out=out),
    "adaptive_avg_pool2d": lambda x, out: torch._C._nn.adaptive_avg_pool2d(x, (2, 3), out=out),
    "avg_pool2d": lambda x, out: F.avg_pool2d(x, 2, out=out),
    "avg_pool3d": lambda x, out: F.avg_pool3d(x[None], 2, out=out),
    "im2col": lambda x, out: torch._C._nn.im2col(x, (2, 3), (1, 1), (0, 1), (2, 1), out=out),
    "reflection_pad1d": lambda x, out: torch._C._nn.reflection_pad1d(x, (1, 2), out=out),
    "mse_loss": lambda x, out: torch._C._nn.mse_loss(x, spread_out((3, 1), 1), 0, out=out),
    "huber_loss": lambda x, out: torch._C._nn.huber_loss(x, spread_out(ROWS, 1), 0, 0.7, out=out),
    **{
        name: lambda x, out, form=form, example=FUNCTIONS[name]: form(x, *example.arguments, **example.options, out=out)
        for name, form in underscored(*activation.FUNCTIONS).items()
        if name != "relu6"  # whose raw form takes none
    },
    "sigmoid": lambda x, out: torch.sigmoid(x, out=out),
    "expit": lambda x, out: torch.special.expit(x, out=out),
    "tanh": lambda x, out: torch.tanh(x, out=out),
    "softmax": lambda x, out: torch.softmax(x, 1, out=out),
    "log_softmax": lambda x, out: torch.log_softmax(x, 1, out=out),
}


@pytest.mark.parametrize("apply", WITH_OUT.values(), ids=WITH_OUT)
def test_out_is_filled_by_hand_and_refuses_gradients(apply: Callable[[Tensor, Tensor], Tensor]) -> None:
    x, outs = spread_out(ROWS), [torch.empty(0, dtype=torch.float64) for _ in range(2)]
    with Operators() as ran, by_hand():
        assert apply(x, outs[0]) is outs[0]
    apply(x, outs[1])
    assert not ran.forbidden
    close(*outs)
    with by_hand(), pytest.raises(RuntimeError, match="arguments don't support automatic differentiation"):
        apply(x.requires_grad_(), outs[0])


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        (torch._C._nn.max_pool2d_with_indices, F.max_pool2d),
        (torch._C._nn.adaptive_max_pool2d, F.adaptive_max_pool2d),
        (
            lambda x, size, out: torch._C._nn.fractional_max_pool2d(
                x, 2, size, torch.ones(2, 4, 2).double() / 3, out=out
            ),
            lambda x, size, **options: F.fractional_max_pool2d(
                x, 2, size, _random_samples=torch.ones(2, 4, 2).double() / 3, **options
            ),
        ),
    ],
    ids=["max_pool2d_with_indices", "adaptive_max_pool2d", "fractional_max_pool2d"],
)
def test_a_maximum_with_its_places_fills_two(apply: Callable[..., Any], expected: Callable[..., Any]) -> None:
    x, outs = spread_out(IMAGES), (torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64))
    with Operators() as ran, by_hand():
        ours = apply(x, 2, out=outs)
    assert not ran.forbidden
    assert all(map(torch.equal, ours, expected(x, 2, return_indices=True)))
    assert ours[0] is outs[0] and ours[1] is outs[1]


@pytest.mark.parametrize("name", ["relu_", "sigmoid_", "tanh_"])
def test_in_place_overwrites_its_input_and_refuses_what_torch_does(name: str) -> None:
    z = spread_out(ROWS)
    with by_hand():
        assert getattr(z, name)() is z
    close(z, getattr(torch, name)(spread_out(ROWS)))
    for around in (by_hand, torch.enable_grad):
        with around(), pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-p"):
            getattr(torch, name)(spread_out(ROWS).requires_grad_())
        if name != "relu_":
            with (
                around(),
                pytest.raises(RuntimeError, match=r"result type .* can't be cast to the desired output type"),
            ):
                getattr(torch, name)(torch.ones(3, dtype=torch.int64))


@pytest.mark.parametrize("apply", [F.softmax, F.log_softmax, F.softmin])
@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_an_axis_left_to_torch_is_torch_s_with_its_warning(apply: Callable[[Tensor], Tensor], rank: int) -> None:
    z = spread_out((2, 3, 4, 5)[:rank])

    def warned() -> Tensor:
        with pytest.warns(UserWarning, match="Implicit dimension choice for .* has been deprecated"):
            return apply(z)

    close(*both(warned))


# ---------------------------------------------------------------------------- attention and one step of recurrence

SHAPES = ((2, 2, 4, 3), (2, 2, 5, 3), (2, 2, 5, 2))


def test_attention_drops_what_torch_drops() -> None:
    tensors = [spread_out(shape, n) for n, shape in enumerate(SHAPES)]
    for p in (0.3, 1.0):
        close(*both(lambda p=p: F.scaled_dot_product_attention(*tensors, dropout_p=p)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_under_autocast_has_torch_s_dtype(dtype: torch.dtype, masked: bool) -> None:
    q, k, v = (spread_out(shape, n).to(dtype) for n, shape in enumerate(SHAPES))
    mask = torch.zeros(4, 5, dtype=dtype) if masked else None
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = both(lambda: F.scaled_dot_product_attention(q, k, v, mask))
    assert ours.dtype == theirs.dtype


def test_attention_of_nothing_is_nothing() -> None:
    q, k, v = (spread_out(shape, n) for n, shape in enumerate(SHAPES))
    close(*both(lambda: F.scaled_dot_product_attention(q, k[..., :0, :], v[..., :0, :])))
    close(*both(lambda: F.scaled_dot_product_attention(q[..., :0], k[..., :0], v)))
    close(*both(lambda: F.scaled_dot_product_attention(q[:0], k[:0], v[:0])))


BAD_ATTENTION: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "both masks": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.zeros(4, 5), is_causal=True),
    "a mask of integers": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.zeros(4, 5).long()),
    "two dtypes": lambda q, k, v: F.scaled_dot_product_attention(q, k.float(), v),
    "one axis": lambda q, k, v: F.scaled_dot_product_attention(q[0, 0, 0], k, v),
    "integers": lambda q, k, v: F.scaled_dot_product_attention(q.long(), k.long(), v.long()),
    "a probability above 1": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=1.5),
    "heads that do not divide": lambda q, k, v: F.scaled_dot_product_attention(q[:, :1], k, v, enable_gqa=True),
}


@pytest.mark.parametrize("apply", BAD_ATTENTION.values(), ids=BAD_ATTENTION)
def test_what_attention_refuses_is_refused_in_torch_s_words(apply: Callable[..., Tensor]) -> None:
    tensors = [spread_out(shape, n) for n, shape in enumerate(SHAPES)]
    with pytest.raises(RuntimeError) as theirs:
        apply(*tensors)
    with by_hand(), pytest.raises(RuntimeError, match=r"]$") as ours:
        apply(*tensors)
    assert str(ours.value).startswith(str(theirs.value).splitlines()[0][:50])
