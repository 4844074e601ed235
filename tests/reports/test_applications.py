"""CASES row 26 and its kind: whole applications under ``by_hand`` and after ``convert``, beside torch's own run.

Each application makes its own models and data from a seed and gives back every number that it shows, gradients among
them, in float64 unless it says so.  Random draws are torch's, so that masks and noise are alike.
"""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from manualconv import by_hand, convert
from tests.test_by_hand import Operators

Exchange = Callable[[nn.Module], nn.Module]
Application = Callable[[Exchange], "list[Tensor]"]


def gradients(model: nn.Module) -> list[Tensor]:
    """Every parameter's, those that have one."""
    return [p.grad for p in model.parameters() if p.grad is not None]


def noise(*shape: int) -> Tensor:
    """Of the seed that the application set."""
    return torch.randn(*shape, dtype=torch.float64)


def detector(exchange: Exchange) -> list[Tensor]:
    """Two stages: anchors, proposals that suppress each other, regions of interest, a frozen norm, deformed taps."""
    import torchvision.ops as ops

    body = exchange(
        nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), ops.FrozenBatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 8, 3, 1, 1)).double()
    )
    deform = exchange(ops.DeformConv2d(8, 8, 3, padding=1).double())
    offset = exchange(nn.Conv2d(8, 18, 3, padding=1).double())
    scores_of, head = exchange(nn.Conv2d(8, 1, 1).double()), exchange(nn.Linear(8 * 9, 5).double())
    x = noise(1, 3, 32, 32).requires_grad_()
    features = body(x)
    features = F.relu(deform(features, offset(features)))
    scores = torch.sigmoid(scores_of(features)).flatten()
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    corners = torch.stack([columns, rows], -1).reshape(-1, 2).double()
    boxes = torch.cat([corners, corners + 6], 1)
    kept = ops.nms(boxes, scores, 0.3)[:6]
    assert len(kept) == 6
    regions = ops.roi_align(features, [boxes[kept]], 3, sampling_ratio=2)
    logits = head(regions.flatten(1))
    targets = torch.tensor([0, 1, 2, 3, 4, 0])
    loss = F.cross_entropy(logits, targets) + ops.sigmoid_focal_loss(logits, F.one_hot(targets, 5).double()).sum()
    loss = loss + F.binary_cross_entropy(scores[kept], torch.ones(6).double()) + F.smooth_l1_loss(logits, logits * 0)
    loss.backward()
    models = (body, deform, offset, scores_of, head)
    return [kept, logits, loss, x.grad, *(g for m in models for g in gradients(m))]  # type: ignore[list-item]


def penalised_critic(exchange: Exchange) -> list[Tensor]:
    """A Wasserstein critic whose gradient by its input is held near one: a second derivative in every step.

    No bias before a norm, for its gradient would be rounding alone, which Adam makes as large as the others.
    """
    critic = exchange(
        nn.Sequential(
            nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 8, 4, 2, 1, bias=False),
            nn.InstanceNorm2d(8, affine=True), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(72, 1),
        ).double()
    )  # fmt: skip
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))
    for _ in range(2):
        real, fake = noise(3, 1, 12, 12), noise(3, 1, 12, 12)
        mixed = torch.lerp(real, fake, torch.rand(3, 1, 1, 1, dtype=torch.float64)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
        optimiser.zero_grad()
        (critic(fake).mean() - critic(real).mean() + 10 * penalty).backward()
        optimiser.step()
    return [penalty, *gradients(critic), *critic.parameters()]


def autoencoder(exchange: Exchange) -> list[Tensor]:
    """A variational one: cross-entropy of coins, and the divergence of the code from normal noise."""
    encoder = exchange(nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ELU(), nn.Flatten(), nn.Linear(64, 6)).double())
    decoder = exchange(
        nn.Sequential(nn.Linear(3, 64), nn.Softplus(), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 1, 4, 2, 1))
        .double()
    )  # fmt: skip
    x = torch.rand(4, 1, 8, 8, dtype=torch.float64)
    mean, log_variance = encoder(x).chunk(2, 1)
    code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    logits = decoder(code)
    known = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    q = torch.distributions.Normal(mean, (log_variance / 2).exp())
    assert torch.allclose(torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(), known)
    loss = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + known
    loss = (
        loss
        + F.binary_cross_entropy(torch.sigmoid(logits), x)
        + F.kl_div(F.log_softmax(mean, 1), x[:, 0, 0, :3], reduction="batchmean")
    )
    loss.backward()
    return [loss, logits, *gradients(encoder), *gradients(decoder)]


def normalised_adversaries(exchange: Exchange) -> list[Tensor]:
    """Spectral and weight normalisation, in the old form and as parametrisations, trained against each other."""
    generator = exchange(
        nn.Sequential(
            nn.utils.weight_norm(nn.ConvTranspose2d(3, 4, 4, 2, 1)), nn.BatchNorm2d(4), nn.ReLU(True),
            parametrizations.weight_norm(nn.Conv2d(4, 1, 3, padding=1)), nn.Tanh(),
        ).double()
    )  # fmt: skip
    judge = exchange(
        nn.Sequential(
            parametrizations.spectral_norm(nn.Conv2d(1, 4, 4, 2, 1)), nn.LeakyReLU(0.2), nn.Dropout2d(0.3),
            nn.utils.spectral_norm(nn.Conv2d(4, 1, 4)),
        ).double()
    )  # fmt: skip
    steps = [torch.optim.SGD(m.parameters(), 0.05, momentum=0.9) for m in (generator, judge)]
    for turn in range(2):
        fake = generator(noise(3, 3, 4, 4))
        for s in steps:
            s.zero_grad()
        if turn:
            F.softplus(-judge(fake)).mean().backward()
        else:
            (F.relu(1 - judge(noise(3, 1, 8, 8))).mean() + F.relu(1 + judge(fake.detach())).mean()).backward()
        steps[1 - turn].step()
    return [*gradients(generator), *gradients(judge), *judge.parameters(), *generator.buffers()]


def unet(exchange: Exchange) -> list[Tensor]:
    """Down and up again, once by a transposed convolution and once by interpolation, with what was cut off between."""
    down = exchange(nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), nn.PReLU()).double())
    pool, up = exchange(nn.MaxPool2d(2)), exchange(nn.ConvTranspose2d(4, 4, 2, 2).double())
    out = exchange(nn.Conv2d(12, 3, 1).double())
    x = noise(2, 2, 9, 8).requires_grad_()
    skip = down(x)
    low = pool(skip)
    risen = F.pad(up(low), (0, 0, 0, 1))
    blurred = F.interpolate(low, size=skip.shape[2:], mode="bilinear", align_corners=False)
    logits = out(torch.cat([skip, risen, blurred], 1))
    p = logits.softmax(1)
    target = torch.randint(0, 3, (2, 9, 8))
    dice = 1 - 2 * (p * F.one_hot(target, 3).movedim(-1, 1)).sum() / (p.sum() + target.numel())
    (dice + F.cross_entropy(logits, target, ignore_index=2)).backward()
    return [logits, x.grad, *(g for m in (down, up, out) for g in gradients(m))]  # type: ignore[list-item]


def transformer(exchange: Exchange) -> list[Tensor]:
    """An encoder with a padding mask: dropout in training, torch's fused path in evaluation."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True, activation="gelu")
    model = exchange(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double())
    x = noise(2, 5, 8).requires_grad_()
    hidden = torch.zeros(2, 5, dtype=torch.bool)
    hidden[1, 3:] = True
    y = model(x, src_key_padding_mask=hidden)
    (y * noise(2, 5, 8)).sum().backward()
    model.eval()
    with torch.no_grad():
        fast = model(x, src_key_padding_mask=hidden)
    slow = model(x, src_key_padding_mask=hidden)
    return [y, x.grad, fast[~hidden], slow, *gradients(model)]  # type: ignore[list-item]


def recurrent(exchange: Exchange) -> list[Tensor]:
    """torch's fused LSTM and GRU over packed sentences, cells by hand beside them, a CTC loss over a convolution."""
    embed, lstm = nn.Embedding(7, 4).double(), exchange(nn.LSTM(4, 5, 2, bidirectional=True, dropout=0.2).double())
    gru, cell = exchange(nn.GRU(10, 3).double()), exchange(nn.LSTMCell(3, 4).double())
    out = exchange(nn.Conv1d(4, 5, 1).double())
    packed = nn.utils.rnn.pack_padded_sequence(embed(torch.randint(0, 7, (6, 2))), torch.tensor([6, 4]))
    y, _ = gru(nn.utils.rnn.pad_packed_sequence(lstm(packed)[0])[0])
    state, seen = None, list[Tensor]()
    for t in y:
        state = cell(t, state)
        seen.append(state[0])
    scores = out(torch.stack(seen, 2)).log_softmax(1).permute(2, 0, 1)
    loss = F.ctc_loss(scores, torch.tensor([[1, 2], [3, 4]]), torch.tensor([6, 6]), torch.tensor([2, 2]))
    loss.backward()
    return [loss, y, *(g for m in (embed, lstm, gru, cell, out) for g in gradients(m))]


def diffusion(exchange: Exchange) -> list[Tensor]:
    """Noise is predicted from noised images: group norms, SiLU, attention over positions, an EMA of the weights."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 8))
            self.enter, self.norm, self.leave = (
                nn.Conv2d(1, 8, 3, padding=1),
                nn.GroupNorm(4, 8),
                nn.Conv2d(8, 1, 3, 1, 1),
            )
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
            self.fused = nn.Conv2d(8, 24, 1)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            rates = t[:, None] * torch.tensor([1.0, 0.1]).double()
            h = self.enter(x) + self.time(torch.cat([rates.sin(), rates.cos()], 1))[..., None, None]
            h = F.silu(self.norm(h))
            tokens = h.flatten(2).transpose(1, 2)
            h = h + self.attend(tokens, tokens, tokens)[0].transpose(1, 2).reshape(h.shape)
            q, k, v = (part.unflatten(1, (2, 4)).flatten(3).mT for part in self.fused(h).chunk(3, 1))
            h = h + F.scaled_dot_product_attention(q, k, v, is_causal=True).mT.reshape(h.shape)
            return self.leave(h)

    net = exchange(Net().double())
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    # A step is gradient/(|gradient| + eps): by the usual 1e-8, the rounding of a gradient that is 0 would be a step.
    optimiser = torch.optim.AdamW(net.parameters(), 1e-2, eps=1e-4)
    for _ in range(2):
        x, noised = noise(2, 1, 4, 4), noise(2, 1, 4, 4)
        optimiser.zero_grad()
        F.mse_loss(net(0.6 * x + 0.8 * noised, torch.tensor([3.0, 8.0]).double()), noised).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update_parameters(net)
    return [*gradients(net), *average.parameters()]


def stepped(exchange: Exchange) -> list[Tensor]:
    """Optimisers one tensor at a time, all at once and fused, and a scaler that is switched off on the CPU."""
    shown = []
    for kind in ({"foreach": False}, {"foreach": True}, {"fused": True}):
        net = exchange(
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.LayerNorm([2, 4, 4]), nn.GELU(), nn.Flatten(), nn.Linear(32, 3))
        )
        net.double()
        optimiser = torch.optim.Adam(net.parameters(), 1e-2, **kind)
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        for _ in range(2):
            optimiser.zero_grad(set_to_none=False)
            scaler.scale(F.nll_loss(net(noise(2, 1, 6, 6)).log_softmax(1), torch.tensor([0, 2]))).backward()
            scaler.step(optimiser)
            scaler.update()
        shown += list(net.parameters())
    return shown


APPLICATIONS: tuple[Application, ...] = (
    *(detector, penalised_critic, autoencoder, normalised_adversaries, unet, transformer, recurrent, diffusion),
    stepped,
)


def ran(application: Application, way: str) -> list[Tensor]:
    """An application's numbers, from the same seed in every way."""
    torch.manual_seed(1)
    if way == "by_hand":
        with by_hand():
            return application(lambda model: model)
    return application(convert if way == "convert" else lambda model: model)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning", "ignore:.*weight_norm.*:DeprecationWarning")
@pytest.mark.parametrize("way", ["by_hand", "convert"])
@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda application: application.__name__)
def test_a_whole_application_gives_torch_s_numbers(application: Application, way: str) -> None:
    theirs = ran(application, "torch")
    with Operators() as watched:
        ours = ran(application, way)
    for a, b in zip(ours, theirs, strict=True):
        # What is 0 in exact arithmetic is rounding in both; nothing else here is as small.
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    assert any(t.abs().max() > 1e-3 for t in theirs)
    if way == "by_hand":
        assert watched.forbidden == (FUSED if application is recurrent else set())


#: What is inside ``torch.lstm`` and ``torch.gru``, which `by_hand` leaves to torch, as its docstring says.
FUSED = {f"aten.{name}.default" for name in ("sigmoid_", "tanh_", "sigmoid_backward", "tanh_backward")}


def mixed_precision(exchange: Exchange) -> list[Tensor]:
    """Autocast to bfloat16: products in half precision, norms and losses in single."""
    net = exchange(
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    )
    x = torch.randn(4, 2, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        y = net(x)
        loss = F.cross_entropy(y, torch.tensor([0, 1, 2, 0]))
    loss.backward()
    return [y.detach(), loss.detach(), *gradients(net), *net.buffers()]


@pytest.mark.parametrize("way", ["by_hand", "convert"])
def test_mixed_precision_is_torch_s_within_half_precision(way: str) -> None:
    for ours, theirs in zip(ran(mixed_precision, way), ran(mixed_precision, "torch"), strict=True):
        assert ours.dtype == theirs.dtype
        # A few roundings of bfloat16, 2^-8 each, of the largest number.
        assert (ours.float() - theirs.float()).abs().max() <= 2**-6 * theirs.float().abs().max()
