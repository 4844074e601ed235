"""Tools that explain an answer by the input: gradients, relevances, heat maps."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.networks import bent, flattened, normalised
from tests.tools.snippet import Differs, Right, snippet


@snippet("Captum", "captum", network=bent)
def gradients(model: Module, x: Tensor, target: Tensor) -> Any:
    """Saliency, input times gradient, and integrated gradients."""
    from captum.attr import InputXGradient, IntegratedGradients, Saliency

    found = [method(model).attribute(x, target=target) for method in (Saliency, InputXGradient)]
    integrated, delta = IntegratedGradients(model).attribute(
        x, target=target, n_steps=20, return_convergence_delta=True
    )
    return *found, integrated, delta


@snippet("Captum", "captum", network=bent)
def deep_lift(model: Module, x: Tensor, target: Tensor) -> Any:
    """DeepLift, against one baseline and against several (DeepLiftShap)."""
    from captum.attr import DeepLift, DeepLiftShap
    from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR

    from manualconv import TORCH_LAYERS

    for ours, theirs in TORCH_LAYERS.items():  # else Captum takes every layer of manualconv.nn for a linear one
        if theirs in SUPPORTED_NON_LINEAR:
            SUPPORTED_NON_LINEAR[ours] = SUPPORTED_NON_LINEAR[theirs]
    one = DeepLift(model).attribute(x, baselines=torch.full_like(x, 0.1), target=target)
    several = DeepLiftShap(model).attribute(x, baselines=x.roll(1, dims=0) / 2, target=target)
    return one, several


@snippet("Captum", "captum", network=flattened)
def relevance(model: Module, x: Tensor, target: Tensor) -> Any:
    """Layer-wise relevance propagation (LRP), by its default rules and by rules of one's own."""
    from captum.attr import LRP
    from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES, SUPPORTED_NON_LINEAR_LAYERS
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule

    from manualconv import TORCH_LAYERS

    for ours, theirs in TORCH_LAYERS.items():  # else Captum refuses the layers of manualconv.nn
        if theirs in SUPPORTED_LAYERS_WITH_RULES:
            SUPPORTED_LAYERS_WITH_RULES[ours] = SUPPORTED_LAYERS_WITH_RULES[theirs]
        if theirs in SUPPORTED_NON_LINEAR_LAYERS:
            SUPPORTED_NON_LINEAR_LAYERS.append(ours)
    default = LRP(model).attribute(x, target=target)
    model.features[0].rule, model.features[4].rule = GammaRule(), Alpha1_Beta0_Rule()
    model.head.rule = EpsilonRule(1e-3)
    return default, LRP(model).attribute(x, target=target)


@snippet("Captum", "captum", network=normalised)
def guided_backpropagation(model: Module, x: Tensor, target: Tensor) -> Any:
    """Guided backpropagation, deconvolution, and both with a heat map (GuidedGradCam)."""
    from captum.attr import Deconvolution, GuidedBackprop, GuidedGradCam

    found = [method(model).attribute(x, target=target) for method in (GuidedBackprop, Deconvolution)]
    return *found, GuidedGradCam(model, model[4]).attribute(x, target=target)


@snippet("Captum", "captum", network=normalised)
def layers(model: Module, x: Tensor, target: Tensor) -> Any:
    """A layer's heat map (LayerGradCam), its activation and its conductance."""
    from captum.attr import LayerActivation, LayerConductance, LayerGradCam

    heat = LayerGradCam(model, model[4]).attribute(x, target=target)
    conductance = LayerConductance(model, model[4]).attribute(x, target=target, n_steps=10)
    return heat, LayerActivation(model, model[2]).attribute(x), conductance


@snippet("Captum", "captum")
def occlusion(model: Module, x: Tensor, target: Tensor) -> Any:
    """What the answer loses with a part of the input hidden."""
    from captum.attr import FeatureAblation, Occlusion

    rows = torch.arange(12, device=x.device).reshape(1, 1, 12, 1).expand(1, 1, 12, 12)
    occluded = Occlusion(model).attribute(x, sliding_window_shapes=(1, 4, 4), strides=(1, 2, 2), target=target)
    return occluded, FeatureAblation(model).attribute(x, feature_mask=rows, target=target)


@snippet("Captum", "captum", network=normalised)
def influence(model: Module, x: Tensor, target: Tensor) -> Any:
    """Which samples of training a prediction is owed to (TracInCP), by gradients for each sample."""
    from captum._utils.sample_gradient import SUPPORTED_MODULES
    from captum.influence import TracInCP

    from manualconv import TORCH_LAYERS

    for ours, theirs in TORCH_LAYERS.items():  # else Captum raises a KeyError for a layer of manualconv.nn
        if theirs in SUPPORTED_MODULES:
            SUPPORTED_MODULES[ours] = SUPPORTED_MODULES[theirs]
    tracing = TracInCP(
        model,
        torch.utils.data.TensorDataset(x, target),
        checkpoints=["weights.pt"],
        checkpoints_load_func=lambda model, path: 1.0,
        loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
        sample_wise_grads_per_batch=True,
    )
    return tracing.influence((x, target))


BIAS_BY_TYPE = """\
wrong in silence: FullGrad looks for biases in exactly `torch.nn.Conv2d` and `torch.nn.BatchNorm2d`, and finds none; \
give it `manualconv.convert(manualconv.restore(model))`"""
REPLACES = "afterwards the model's ReLUs are new ones of torch's"


@snippet("pytorch-grad-cam", "grad-cam", network=normalised)
def heat_map(model: Module, x: Tensor, target: Tensor) -> Any:
    """GradCAM, GradCAM++, and AblationCAM, which replaces the layer."""
    from pytorch_grad_cam import AblationCAM, GradCAM, GradCAMPlusPlus
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    found = []
    for method in (GradCAM, GradCAMPlusPlus, AblationCAM):
        with method(model=model, target_layers=[model[4]]) as cam:
            found.append(cam(input_tensor=x, targets=[ClassifierOutputTarget(int(t)) for t in target]))
    return found


@snippet("pytorch-grad-cam", "grad-cam", network=normalised, nn=Differs(BIAS_BY_TYPE))
def full_gradient(model: Module, x: Tensor, target: Tensor) -> Any:
    """FullGrad: the gradients of every bias."""
    from pytorch_grad_cam import FullGrad
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with FullGrad(model=model, target_layers=[]) as cam:
        return cam(input_tensor=x, targets=[ClassifierOutputTarget(int(t)) for t in target])


@snippet(
    "pytorch-grad-cam",
    "grad-cam",
    nn=Right(REPLACES),
    convert=Right(f"{REPLACES}: convert again"),
)
def guided_relu(model: Module, x: Tensor, target: Tensor) -> Any:
    """Guided backpropagation, by a function in the place of each ReLU."""
    from pytorch_grad_cam import GuidedBackpropReLUModel

    return GuidedBackpropReLUModel(model=model, device="cpu")(x[:1], target_category=int(target[0]))


@snippet("SHAP", "shap", network=bent)
def deep_explainer(model: Module, x: Tensor, target: Tensor) -> Any:
    """DeepExplainer, against a background of three samples."""
    from shap import DeepExplainer

    return DeepExplainer(model, x[:3]).shap_values(x[3:])


@snippet("SHAP", "shap", network=normalised, dtype=torch.float32)
def gradient_explainer(model: Module, x: Tensor, target: Tensor) -> Any:
    """GradientExplainer, of the input and of a layer's input."""
    from shap import GradientExplainer

    of_input = GradientExplainer(model, x[:3]).shap_values(x[3:], nsamples=20, rseed=0)
    return of_input, GradientExplainer((model, model[4]), x[:3]).shap_values(x[3:], nsamples=20, rseed=0)
