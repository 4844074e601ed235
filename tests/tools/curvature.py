"""Second derivatives: Hessians, Gauss-Newton and Fisher matrices, and what is built on them."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from manualconv import TORCH_LAYERS
from tests.tools.networks import sigmoidal
from tests.tools.snippet import Refuses, snippet

# ------------------------------------------------------------------------------------------------------------ BackPACK


@snippet("BackPACK", "backpack-for-pytorch")
def gradients_of_samples(model: Module, x: Tensor, target: Tensor) -> Any:
    """Individual gradients."""
    from backpack import backpack, extend
    from backpack.extensions import BatchGrad

    extension = BatchGrad()
    table = vars(extension)["_BackpropExtension__module_extensions"]
    for ours, theirs in TORCH_LAYERS.items():  # for a model of manualconv.nn
        if theirs in table:
            extension.set_module_extension(ours, table[theirs])
    loss = extend(torch.nn.CrossEntropyLoss())(extend(model)(x), target)
    with backpack(extension):
        loss.backward()
    return [parameter.grad_batch for parameter in model.parameters()]


@snippet("BackPACK", "backpack-for-pytorch", dtype=torch.float32)
def gauss_newton(model: Module, x: Tensor, target: Tensor) -> Any:
    """Diagonal and Kronecker factors of the Gauss-Newton matrix."""
    from backpack import backpack, extend
    from backpack.extensions import KFLR, DiagGGNExact

    extensions = [DiagGGNExact(), KFLR()]
    for extension in extensions:
        table = vars(extension)["_BackpropExtension__module_extensions"]
        for ours, theirs in TORCH_LAYERS.items():
            if theirs in table:
                extension.set_module_extension(ours, table[theirs])
    loss = extend(torch.nn.CrossEntropyLoss())(extend(model)(x), target)
    with backpack(*extensions):
        loss.backward()
    return [(parameter.diag_ggn_exact, parameter.kflr) for parameter in model.parameters()]


@snippet("BackPACK", "backpack-for-pytorch", network=sigmoidal, dtype=torch.float32)
def hessian_diagonal(model: Module, x: Tensor, target: Tensor) -> Any:
    """Diagonal of the Hessian, and a product with the matrix."""
    from backpack import backpack, extend
    from backpack.extensions import DiagHessian
    from backpack.hessianfree.hvp import hessian_vector_product

    extension = DiagHessian()
    table = vars(extension)["_BackpropExtension__module_extensions"]
    for ours, theirs in TORCH_LAYERS.items():
        if theirs in table:
            extension.set_module_extension(ours, table[theirs])
    loss = extend(torch.nn.CrossEntropyLoss())(extend(model)(x), target)
    with backpack(extension):
        loss.backward(create_graph=True)
    parameters = list(model.parameters())
    product = hessian_vector_product(loss, parameters, [torch.randn_like(p) for p in parameters])
    return [parameter.diag_h for parameter in parameters], product


# ------------------------------------------------------------------------------------------------------- laplace-torch


@snippet("laplace-torch", "laplace-torch")
def laplace_last_layer(model: Module, x: Tensor, target: Tensor) -> Any:
    """The last layer, Kronecker factors."""
    from laplace import Laplace
    from torch.utils.data import DataLoader, TensorDataset

    posterior = Laplace(model, "classification", subset_of_weights="last_layer", hessian_structure="kron")
    posterior.fit(DataLoader(TensorDataset(x, target), batch_size=2))
    posterior.optimize_prior_precision(method="marglik")
    return posterior(x, link_approx="probit"), posterior.log_marginal_likelihood()


@snippet("laplace-torch", "laplace-torch")
def laplace_all_layers(model: Module, x: Tensor, target: Tensor) -> Any:
    """All layers, Kronecker factors and a diagonal."""
    from laplace import Laplace
    from torch.utils.data import DataLoader, TensorDataset

    found = []
    for structure in ("kron", "diag"):
        posterior = Laplace(model, "classification", subset_of_weights="all", hessian_structure=structure)
        posterior.fit(DataLoader(TensorDataset(x, target), batch_size=2))
        found += [posterior(x, link_approx="probit"), posterior.log_marginal_likelihood()]
    return found


INSIDE = Refuses(
    "laplace-torch makes BackPACK's tables itself, out of reach: take its default backend, or convert",
    says="does not have an extension for Module <class 'manualconv.nn.",
)


@snippet("laplace-torch", "laplace-torch", nn=INSIDE, dtype=torch.float32)
def laplace_by_backpack(model: Module, x: Tensor, target: Tensor) -> Any:
    """All layers, a diagonal by BackPACK."""
    from laplace import Laplace
    from laplace.curvature import BackPackGGN
    from torch.utils.data import DataLoader, TensorDataset

    posterior = Laplace(model, "classification", subset_of_weights="all", hessian_structure="diag", backend=BackPackGGN)
    posterior.fit(DataLoader(TensorDataset(x, target), batch_size=2))
    return posterior(x, link_approx="probit"), posterior.log_marginal_likelihood()


# ---------------------------------------------------------------------------------------------------------- curvlinops


@snippet("curvlinops", "curvlinops-for-pytorch", network=sigmoidal)
def products_with_curvature(model: Module, x: Tensor, target: Tensor) -> Any:
    """Products with the Hessian and with the Gauss-Newton matrix."""
    from curvlinops import GGNLinearOperator, HessianLinearOperator

    given = model, torch.nn.CrossEntropyLoss(), list(model.parameters()), [(x, target)]
    hessian, ggn = HessianLinearOperator(*given), GGNLinearOperator(*given)
    v = torch.randn(hessian.shape[1], dtype=x.dtype)
    return hessian @ v, ggn @ v


@snippet("curvlinops", "curvlinops-for-pytorch")
def products_with_factors(model: Module, x: Tensor, target: Tensor) -> Any:
    """Products with Kronecker factors and with their inverse."""
    from curvlinops import KFACInverseLinearOperator, KFACLinearOperator

    given = model, torch.nn.CrossEntropyLoss(), list(model.parameters()), [(x, target)]
    factors = KFACLinearOperator(*given, fisher_type="type-2")
    v = torch.randn(factors.shape[1], dtype=x.dtype)
    return factors @ v, KFACInverseLinearOperator(factors, damping=1e-2) @ v


# ---------------------------------------------------------------------------------------------------------- NNGeometry


@snippet("NNGeometry", "nngeometry", dtype=torch.float32)
def fisher_matrices(model: Module, x: Tensor, target: Tensor) -> Any:
    """Fisher matrices: dense, diagonal, Kronecker factors."""
    from nngeometry.metrics import FIM
    from nngeometry.object import PMatDense, PMatDiag, PMatKFAC, PVector
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(x, target), batch_size=2)
    matrices = [FIM(model, loader, kind, variant="classif_logits") for kind in (PMatDense, PMatDiag, PMatKFAC)]
    weights = PVector.from_model(model)
    return [(matrix.trace(), matrix.mv(weights).to_torch()) for matrix in matrices]


# ---------------------------------------------------------------------------------------------------------- torch.func


@snippet("torch.func", "torch", network=sigmoidal)
def product_with_hessian(model: Module, x: Tensor, target: Tensor) -> Any:
    """A product with the Hessian: forward over reverse."""
    from torch.func import functional_call, grad, jvp

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return torch.nn.functional.cross_entropy(functional_call(model, parameters, x), target)

    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    v = {name: torch.randn_like(weight) for name, weight in weights.items()}
    return jvp(grad(loss), (weights,), (v,))
