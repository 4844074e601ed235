"""A derivative of one's own that is incomplete or wrong says so: at its definition, or at its first run."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.autograd import OF_INPUT, Bilinear, Linear, Map, Pointwise, Stepwise
from tests.layers import close, rounded, spread_out

X = spread_out((3, 4))
RULES: dict[str, Callable[..., Any]] = {
    "forward": lambda x, a: x.sin() * a,
    "setup_context": lambda ctx, inputs, output: _keep(ctx, inputs),
    "backward": lambda ctx, y_bar: (y_bar * ctx.saved_tensors[0].cos() * ctx.a, None),
    "jvp": lambda ctx, x_dot, _: x_dot * ctx.saved_tensors[0].cos() * ctx.a,
    "vmap": lambda info, in_dims, x, a: (x.sin() * a, in_dims[0]),
}


def _keep(ctx: Any, inputs: tuple[Any, ...]) -> None:
    x, ctx.a = inputs
    ctx.save_for_backward(x)
    ctx.save_for_forward(x)


def wave(base: type = Map, without: tuple[str, ...] = (), **others: Any) -> Any:
    """The map ``y = a·sin x``, some of whose rules are others, or not there."""
    rules = {name: rule for name, rule in {**RULES, **others}.items() if name not in without}
    return made(base, rules, "Wave")


def made(kind: type, rules: dict[str, Any], name: str = "Own") -> Any:
    """A map of a kind with rules."""
    return type(name, (kind,), {n: staticmethod(r) if callable(r) else r for n, r in rules.items()})


def slope(x: Tensor, a: float) -> Tensor:
    """φ′."""
    return a * x.cos()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_missing_is_named_with_what_it_takes_and_returns(name: str) -> None:
    with pytest.raises(TypeError) as raised:
        wave(without=(name,))
    message = str(raised.value)
    assert message.startswith(f"Wave is not a complete Map: it has no {name}; give {name}(")
    assert "which" in message and message.endswith("(docs/DERIVATIVES.md)")
    assert (f"{name} = None" in message) == (name in ("backward", "jvp", "vmap"))


def test_all_that_is_missing_is_said_at_once_in_forward_s_own_words() -> None:
    with pytest.raises(
        TypeError, match=r"no jvp; give jvp\(ctx, x_dot, a_dot\).*no vmap; give vmap\(info, in_dims, x, a\)"
    ):
        wave(without=("jvp", "vmap"))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"jvp": lambda ctx, x_dot: x_dot},
            r"jvp\(ctx, x_dot\) does not fit forward\(x, a\); write jvp\(ctx, x_dot, a_dot\)",
        ),
        ({"vmap": lambda x, a: (x, 0)}, r"vmap\(x, a\) does not fit .* write vmap\(info, in_dims, x, a\)"),
        ({"setup_context": lambda ctx, x: None}, r"setup_context\(ctx, x\) does not fit .*\(ctx, inputs, output\)"),
        ({"backward": lambda ctx: None}, r"backward\(ctx\) does not fit .* gradient for each of \(x, a\)"),
        ({"forward": lambda x, a=2.0: x}, r"forward has defaults \(a\)"),
        ({"forward": lambda x, *, a: x}, "forward has keyword arguments"),
        ({"forward": lambda x, *b, a: x, "backward": lambda: None}, r"does not fit forward\(x, \*b\); write backward"),
        ({"forward": lambda: None}, "forward takes 0 arguments, but needs 1 or more"),
        ({"forward": torch.sin}, "forward must be a function made by def, not builtin"),
        ({"setup_context": None}, "it has no setup_context"),
        ({"setup_context": property(lambda self: None)}, "setup_context is no static method; put @staticmethod above"),
        ({"generate_vmap_rule": True}, "it has a vmap and generate_vmap_rule = True"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wave(**rule)


def test_a_method_that_is_not_static_is_refused() -> None:
    with pytest.raises(TypeError, match=r"forward is no static method.*; times_slope is no static method"):

        class Own(Pointwise):
            def forward(self, z: Tensor) -> Tensor:  # type: ignore[override]
                return z

            def times_slope(self, z: Tensor, t: Tensor) -> Tensor:
                return t

    with pytest.raises(TypeError, match="backward is no static method"):

        class Other(wave()):  # type: ignore[misc]
            @classmethod
            def backward(cls, ctx: Any, y_bar: Tensor) -> Tensor:
                return y_bar


def _scaled(x: Any, a: Any) -> Any:
    return a * x


#: A kind, its rules, and what is said of them.
KINDS: dict[str, tuple[type, dict[str, Any], str]] = {
    "no rule": (Pointwise, {}, r"complete Pointwise: it has no forward.*has no times_slope; give times_slope\(kept, t"),
    "no slope": (Pointwise, {"forward": lambda z, a: z}, r"give times_slope\(kept, t, a\), which returns φ′ ⊙ t"),
    "short slope": (
        *(Pointwise, {"forward": lambda z: z, "times_slope": lambda t: t}),
        r"times_slope\(t\) does not fit forward\(z\)",
    ),
    "no step": (Stepwise, {}, "not a complete Stepwise: it has no forward"),
    "short step": (Stepwise, {"forward": lambda t: t}, "forward takes 1 arguments, but needs 2 or more"),
    "no adjoint": (
        *(Linear, {"forward": _scaled}),
        r"complete Linear: it has no adjoint; give adjoint\(y_bar, shape, a\), which",
    ),
    "short adjoint": (
        *(Linear, {"forward": _scaled, "adjoint": lambda y_bar: y_bar}),
        r"adjoint\(y_bar\) does not fit forward\(x, a\); write adjoint\(y_bar, shape, a",
    ),
    "flat, short adjoint": (  # without the edge
        *(Linear, {"forward": lambda x, a, edge: a * x, "adjoint": lambda y_bar: y_bar, "flat": True}),
        r"write adjoint\(y_bar, shape, a\)",
    ),
    "flat, short": (
        *(Linear, {"forward": lambda x: 2 * x, "adjoint": lambda y_bar, shape: 2 * y_bar, "flat": True}),
        "forward takes 1 arguments, but needs 2 or more",
    ),
    "no backward": (Bilinear, {"forward": _scaled}, "complete Bilinear: it has no backward.*it has no vmap"),
    "short": (
        *(Bilinear, {"forward": lambda x: x, "backward": lambda ctx, y_bar: y_bar, "vmap": None}),
        "forward takes 1 arguments, but needs 2 or more",
    ),
    "any numbers": (
        *(Bilinear, {"forward": lambda x, w, *a: x * w, "backward": lambda ctx, y_bar: y_bar, "vmap": None}),
        r"takes \*a; give each number a name",
    ),
}


@pytest.mark.parametrize(("kind", "rules", "message"), KINDS.values(), ids=KINDS)
def test_a_kind_asks_for_its_own_rules(kind: type, rules: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        made(kind, rules)


def test_a_kind_of_one_s_own_is_asked_nothing_and_what_is_made_of_it_is() -> None:
    class Scaled(Pointwise):
        abstract = True

        @staticmethod
        def times_slope(y: Tensor, t: Tensor) -> Tensor:
            return 3 * t

    class Thrice(Scaled):
        @staticmethod
        def forward(z: Tensor) -> Tensor:
            return 3 * z

    assert Scaled.abstract and not Thrice.abstract
    assert torch.equal(torch.func.grad(lambda z: Thrice.call(z).sum())(X), torch.full_like(X, 3))
    with pytest.raises(TypeError, match="not a complete Scaled: it has no forward"):
        type("Nothing", (Scaled,), {})


def test_a_subclass_changes_what_it_gives_and_every_mode_with_it() -> None:
    class Sine(Pointwise):
        setup_context = OF_INPUT

        @staticmethod
        def forward(z: Tensor) -> Tensor:
            return z.sin()

        @staticmethod
        def times_slope(z: Tensor, t: Tensor) -> Tensor:
            return t * z.cos()

    class Loud(Sine):
        @staticmethod
        def forward(z: Tensor) -> Tensor:
            return 10 * z.sin()

    class Straight(Sine):  # its own backward stays
        @staticmethod
        def backward(ctx: Any, y_bar: Tensor) -> Tensor:
            return y_bar.clone()

    class StraightStill(Straight):
        pass

    for _ in range(2):
        rounded(torch.vmap(Loud.call)(X), 10 * X.sin())
        rounded(torch.func.grad(lambda z: Loud.call(z).sum())(X), X.cos())
        for kind in (Straight, StraightStill):
            assert torch.equal(torch.func.grad(lambda z, k=kind: k.call(z).sum())(X), torch.ones_like(X))
            rounded(torch.func.jvp(kind.call, (X,), (X,))[1], X * X.cos())


def test_a_map_that_says_it_has_no_rule_says_so_in_the_mode_that_needs_it() -> None:
    bare = wave(jvp=None, vmap=None, without=())
    x = X.clone().requires_grad_()
    (first,) = grad(bare.call(x, 2.0).sum(), x, create_graph=True)
    close(first, slope(X, 2.0))
    close(grad(first.sum(), x)[0], -2 * X.sin())
    with pytest.raises(
        NotImplementedError, match=r"Wave has no jvp \(jvp = None\), so forward mode cannot go through it"
    ):
        torch.func.jvp(lambda x: bare.call(x, 2.0), (X,), (X,))
    with pytest.raises(RuntimeError, match=r"Wave has no vmap \(vmap = None\), so torch.func.vmap cannot"):
        torch.vmap(lambda x: bare.call(x, 2.0))(X)
    forward_only = wave(backward=None)
    close(torch.func.jvp(lambda x: forward_only.call(x, 2.0), (X,), (X,))[1], X * slope(X, 2.0))
    with pytest.raises(NotImplementedError, match="Wave has no backward"):
        forward_only.call(x, 2.0).sum().backward()


def test_torch_maps_the_rules_of_a_map_that_asks_for_it() -> None:
    mapped = wave(without=("vmap",), generate_vmap_rule=True)

    def f(x: Tensor) -> Tensor:
        return mapped.call(x, 2.0)

    close(torch.vmap(f, 1)(X), 2 * X.sin().T)
    close(torch.func.hessian(lambda x: f(x).sum())(X[0]), torch.diag(-2 * X[0].sin()))
    close(torch.vmap(torch.func.grad(lambda x: f(x).sum()))(X), slope(X, 2.0))


def test_a_derivative_of_first_order_alone_refuses_the_second() -> None:
    """As the page says; torch's once_differentiable does not see that x, too, has a graph."""

    def once(ctx: Any, y_bar: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError("first order only")
        return RULES["backward"](ctx, y_bar)

    kind = wave(backward=once)
    x = X.clone().requires_grad_()
    close(grad(kind.call(x, 2.0).sum(), x)[0], slope(X, 2.0))
    with pytest.raises(RuntimeError, match="first order only"):
        grad(kind.call(x, 2.0).sum(), x, create_graph=True)


def _saves_what_it_made(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _keep(ctx, inputs)
    ctx.save_for_backward(inputs[0].cos())


def _sets_a_tensor(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.slope = inputs[0].cos()


def _sets_a_list(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.slope = [1, {"of x": (inputs[0].cos(),)}]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"forward": lambda x, a: x.mul_(a)}, "forward of Wave changed an argument in place"),
        ({"forward": lambda x, a: x}, "forward of Wave returned one of its arguments"),
        ({"setup_context": _saves_what_it_made}, "neither input nor output, so that a second derivative would lose"),
        ({"setup_context": _sets_a_tensor}, "sets ctx.slope to a tensor; keep it with ctx.save_for_backward"),
        ({"setup_context": _sets_a_list}, "sets ctx.slope to a tensor; keep it with ctx.save_for_backward"),
    ],
    ids=["in place", "itself", "saved", "set", "set in a list"],
)
def test_what_a_first_run_shows(rule: dict[str, Any], message: str) -> None:
    kind = wave(**rule)
    for _ in range(2):  # as long as it is wrong
        with pytest.raises(RuntimeError, match=message):
            kind.call((X * 1).requires_grad_() * 1, 2.0)
        with pytest.raises(RuntimeError, match=message):
            torch.func.grad(lambda x: kind.call(x, 2.0).sum())(X.clone())


@pytest.mark.parametrize(
    "result",
    [lambda info, in_dims, x, a: (x, None), lambda info, in_dims, x, a: (x.T, 0), lambda info, in_dims, x, a: (x, 5)],
    ids=["none", "another", "beyond"],
)
def test_a_mapped_axis_that_is_not(result: Callable[..., Any]) -> None:
    kind = wave(vmap=result)
    with pytest.raises(RuntimeError, match=r"vmap of Wave returned an output of shape .* which is to be 3 long"):
        torch.vmap(lambda x: kind.call(x, 2.0))(X)


def test_a_tensor_that_asks_for_a_gradient_inside_a_tuple_is_refused() -> None:
    kind = wave(forward=lambda x, a: x * a[0])
    with pytest.raises(RuntimeError, match="asks for a gradient inside a tuple, where torch does not look"):
        kind.call(X, (torch.ones((), requires_grad=True),))


def test_inference_mode_leaves_the_first_look_to_a_run_that_can_be_seen() -> None:
    kind = wave(forward=lambda x, a: x.mul_(a).clone())
    with torch.inference_mode():
        kind.call(X.clone(), 2.0)
    with pytest.raises(RuntimeError, match="changed an argument in place"):
        kind.call(X.clone(), 2.0)


def test_a_run_is_looked_at_once() -> None:
    kind = wave()
    before = [vars(kind)[name] for name in ("forward", "setup_context", "vmap")]
    x = X.clone().requires_grad_()
    kind.call(x, 2.0)
    torch.vmap(lambda x: kind.call(x, 2.0))(X)
    after = [vars(kind)[name] for name in ("forward", "setup_context", "vmap")]
    assert all(one is not other for one, other in zip(before, after))
    kind.call(x, 2.0)
    assert after == [vars(kind)[name] for name in ("forward", "setup_context", "vmap")]


def test_a_mask_may_be_kept_and_a_patched_rule_stays() -> None:
    def keep_mask(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0] > 0)

    kind = wave(
        forward=lambda x, a: x.clamp(min=0),
        setup_context=keep_mask,
        backward=lambda ctx, g: (g * ctx.saved_tensors[0], None),
    )
    x = X.clone().requires_grad_()
    assert torch.equal(grad(kind.call(x, 2.0).sum(), x)[0], (X > 0).double())
    other = wave()
    whole = other.forward
    other.forward = patched = staticmethod(lambda *args: whole(*args))
    other.call(X, 2.0)
    assert vars(other)["forward"] is patched


def test_a_map_of_entries_keeps_the_shape_and_has_no_derivative_by_its_numbers() -> None:
    def of(forward: Callable[..., Any]) -> Any:
        return made(Pointwise, {"forward": forward, "times_slope": lambda y, t, a: t * a})

    with pytest.raises(
        RuntimeError, match=r"forward of Own returned \[\] for \[3, 4\]; a map of entries keeps the shape"
    ):
        of(lambda z, a: z.sum()).call(X, 2.0)
    scaled, a = of(lambda z, a: z * a), torch.tensor(2.0, dtype=torch.float64)
    x = X.clone().requires_grad_()
    close(grad(scaled.call(x, a).sum(), x)[0], torch.full_like(X, 2))  # a tensor that is constant is a number
    message = "Own has no derivative by its numbers, and all samples share them"
    with pytest.raises(RuntimeError, match=message):
        scaled.call(x, a.clone().requires_grad_()).sum().backward()
    with pytest.raises(RuntimeError, match=message):
        torch.func.jvp(lambda a: scaled.call(X, a), (a,), (a,))
    with pytest.raises(RuntimeError, match=message):
        torch.vmap(lambda a: scaled.call(X, a))(torch.ones(3))


def test_results_that_torch_refuses() -> None:
    x = X.clone().requires_grad_()
    for backward, message in (
        (lambda ctx, g: g, r"incorrect number of gradients \(expected 2, got 1\)"),
        (lambda ctx, g: (g[:2], None), "invalid gradient at index 0"),
        (lambda ctx, g: (2.0, None), "expected Variable or None"),
    ):
        with pytest.raises(RuntimeError, match=message):
            wave(backward=backward).call(x, 2.0).sum().backward()
    for jvp, message in (
        (lambda ctx, x_dot, _: x_dot[:2], "different size"),
        (lambda ctx, x_dot, _: (x_dot, None), "invalid number of forward gradients"),
        (lambda ctx, x_dot, _: None, "returned None; return the output's tangent"),
    ):
        kind = wave(jvp=jvp)
        with pytest.raises(RuntimeError, match=message):
            torch.func.jvp(lambda x, kind=kind: kind.call(x, 2.0), (X,), (X,))


def test_call_speaks_in_the_class_s_name() -> None:
    kind = wave()
    with pytest.raises(TypeError, match=re.escape("Wave.call() got an unexpected keyword argument 'a'")):
        kind.call(X, a=2.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        kind.call(X)


def test_words_and_tuples_of_words_travel_through_a_graph() -> None:
    def powers(x: Tensor, words: tuple[str, ...]) -> Tensor:
        return x * float(len(words)) + len(words[0])

    kind = wave(
        forward=powers,
        setup_context=lambda ctx, inputs, output: setattr(ctx, "a", float(len(inputs[1]))),
        backward=lambda ctx, g: (g * ctx.a, None),
    )
    compiled = torch.compile(lambda x: kind.call(x, ("left", "right")), backend="eager", fullgraph=True)
    x = X.clone().requires_grad_()
    close([compiled(x), *grad(compiled(x).sum(), x)], [2 * X + 4, torch.full_like(X, 2)])


@pytest.mark.parametrize("kind", [Map, Pointwise, Stepwise], ids=lambda kind: kind.__name__)
def test_the_example_of_a_docstring_runs(kind: type) -> None:
    text = kind.__doc__ or ""
    code = text.split("Example::")[1].split("More:")[0]
    names: dict[str, Any] = {
        "torch": torch,
        "Map": Map,
        "Pointwise": Pointwise,
        "Stepwise": Stepwise,
        "OF_INPUT": OF_INPUT,
    }
    exec("if True:\n" + code, names)
    made = next(value for value in names.values() if isinstance(value, type) and value.__module__ == "builtins")
    assert issubclass(made, kind)
    if "y" in names:
        names["y"].sum().backward()
    for part in ("Args:", "Raises:", "docs/DERIVATIVES.md"):
        assert part in text
