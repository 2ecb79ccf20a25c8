"""Closed forms on linear classifiers, and what must hold for every attack in the folder."""

import importlib.util

import pytest
import torch
from conftest import compose, options
from problems import Linear, images
from torch import nn

from mvm.attacks.apgd import APGD, checkpoints
from mvm.attacks.attack import Attack, wrong
from mvm.attacks.attnet import AttNet, AttNetAttack
from mvm.attacks.attnet_best import AttNetBest
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.diversity import spread
from mvm.attacks.fgm import FGM
from mvm.attacks.fgsm import FGSM
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.noise import Noise
from mvm.attacks.pgd import PGD
from mvm.build import build
from mvm.threat import HIGH, LOW, Infeasible


def _installed(name):
    return name != "autoattack" or importlib.util.find_spec("pyautoattack") is not None


ATTACKS = [
    pytest.param(name, marks=pytest.mark.skipif(not _installed(name), reason="pyautoattack is not installed"))
    for name in options("attack")
]


class Net(nn.Module):
    """A small image classifier with everything an attack could disturb: dropout, batch norm, modes."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 5, stride=3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(256, 10),
        )

    def forward(self, x):
        return self.net(x)


def some_images(n=12):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(n, 1, 28, 28, generator=generator) * 2 - 1, torch.arange(n) % 10


def make(name: str, **settings) -> Attack:
    config = compose("data=mnist5k", "profile=smoke", f"attacks=[{name}]", "eta=0.3")["attacks"][name]
    if name == "autoattack":
        config["components"] = ["apgd-ce"]
    return build(config | {k: v for k, v in settings.items() if k in config})


# ---- every attack in conf/attack


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("eta", [0.0, 0.1, 0.6, 2.0])
@pytest.mark.parametrize("name", ATTACKS)
def test_stays_in_the_ball_and_the_box(name, eta, box):
    attack, (x, y) = make(name, eta=eta, box=box), some_images()
    z = attack(Net(), x, y)
    assert z.shape == x.shape and z.dtype == x.dtype and not z.requires_grad and torch.isfinite(z).all()
    assert (z - x).abs().max() <= attack.eta * (1 + 1e-5) + 1e-6
    if attack.box:
        assert z.min() >= LOW and z.max() <= HIGH


@pytest.mark.parametrize("name", ATTACKS)
def test_leaves_no_trace(name):
    net, (x, y) = Net(), some_images()
    net.net[1].eval()  # a mixture of modes, to be found again
    modes = [m.training for m in net.modules()]
    weights = {k: w.clone() for k, w in net.state_dict().items()}
    mine = x.clone()
    state = torch.get_rng_state()
    make_attack = make(name)
    torch.set_rng_state(state)
    make_attack(net, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    assert [m.training for m in net.modules()] == modes
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert all(torch.equal(w, weights[k]) for k, w in net.state_dict().items())
    assert torch.equal(x, mine) and not x.requires_grad


def nets_to_double(part) -> None:
    """Every network inside an attack, however deep."""
    for value in vars(part).values():
        if isinstance(value, nn.Module):
            value.double()
        elif type(value).__module__.startswith("mvm."):
            nets_to_double(value)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_images_result_does_not_depend_on_its_batch(name):
    """In float64, where the rounding of a differently sized convolution does not flip a sign."""
    if name == "autoattack":
        pytest.skip("one generator runs over its whole batch")
    torch.manual_seed(5)
    attack, net, (x, y) = make(name), Net().double(), some_images()
    nets_to_double(attack)
    x = x.double()
    whole = attack(net, x, y)
    parts = torch.cat([attack(net, x[:5], y[:5]), attack(net, x[5:6], y[5:6]), attack(net, x[6:], y[6:])])
    torch.testing.assert_close(whole, parts, atol=1e-9, rtol=0)
    assert attack(net, x[:0], y[:0]).shape == (0, 1, 28, 28)


@pytest.mark.parametrize("name", ATTACKS)
def test_same_seed_same_images(name):
    net, (x, y) = Net(), some_images()
    torch.manual_seed(1)
    first = make(name)(net, x, y)
    torch.manual_seed(1)
    assert torch.equal(first, make(name)(net, x, y))


@pytest.mark.parametrize("name", ATTACKS)
def test_works_under_no_grad(name):
    net, (x, y) = Net(), some_images()
    with torch.no_grad():
        z = make(name)(net, x, y)
    assert torch.isfinite(z).all()


def test_an_attack_that_cheats_is_caught():
    class Cheat(Attack):
        def perturb(self, classifier, x, y):
            return x + self.eta + 1e-3

    with pytest.raises(Infeasible, match="Cheat moved a pixel"):
        Cheat(eta=0.3, box=False)(Net(), *some_images())


# ---- closed forms


def test_fgsm_on_a_linear_classifier_is_optimal():
    """Two classes: the loss is monotone in (w_1 - w_0) x, so the best z is x + eta sign of +-(w_1 - w_0)."""
    g, (x, y) = Linear(classes=2), images(classes=2)
    w = g.layer.weight
    direction = torch.where(y == 0, 1.0, -1.0)[:, None] * (w[1] - w[0]).sign()
    best = x + 0.3 * direction.view_as(x)
    torch.testing.assert_close(FGSM(eta=0.3)(g, x, y), best)
    torch.testing.assert_close(IFGSM(eta=0.3, box=False)(g, x, y), best)
    torch.testing.assert_close(PGD(eta=0.3, box=False, steps=20)(g, x, y), best)
    torch.testing.assert_close(FGSM(eta=0.3, box=True)(g, x, y), best.clamp(-1, 1))


def test_fgm_is_eq4():
    """dl/dx = W^T (softmax - onehot) for a linear classifier."""
    g, (x, y) = Linear(), images()
    p = torch.softmax(g(x), 1) - torch.nn.functional.one_hot(y, 3)
    expected = x + 0.05 * (p @ g.layer.weight).view_as(x)
    torch.testing.assert_close(FGM(eta=0.05)(g, x, y), expected.detach().clamp(x - 0.05, x + 0.05))


def test_ifgsm_with_one_full_step_is_boxed_fgsm():
    g, (x, y) = Linear(), images()
    torch.testing.assert_close(IFGSM(eta=0.3, steps=1)(g, x, y), FGSM(eta=0.3, box=True)(g, x, y))


def test_noise_is_every_pixels_fair_coin():
    x, y = some_images(200)
    s = (Noise(eta=0.3)(Net(), x, y) - x) / 0.3
    assert torch.allclose(s.abs(), torch.ones_like(s), atol=1e-5)
    assert abs(s.mean().item()) < 4 / s.numel() ** 0.5
    per_pixel = s.mean(0)
    assert per_pixel.abs().max() < 5 / 200**0.5  # no pixel has a preferred sign
    assert not torch.equal(s, (Noise(eta=0.3, seed=1)(Net(), x, y) - x) / 0.3)


def test_more_restarts_are_never_weaker():
    torch.manual_seed(0)
    net, (x, y) = Net().eval(), some_images(100)
    rates = []
    caught = torch.zeros(100, dtype=torch.bool)
    for restarts in (1, 2, 4):
        now = wrong(net, PGD(eta=0.02, steps=2, restarts=restarts)(net, x, y), y)
        assert (now | ~caught).all()  # an image once broken stays broken
        caught = now
        rates.append(now.float().mean().item())
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("attack", "settings"), [(PGD, {"steps": 0}), (PGD, {"restarts": 0}), (IFGSM, {"steps": 0}), (FGSM, {"eta": -1})]
)
def test_impossible_settings_are_refused(attack, settings):
    with pytest.raises(ValueError, match="steps=|restarts=|eta="):
        attack(**{"eta": 0.3, **settings})


# ---- AttNet


def test_attnet_has_the_papers_shape():
    assert sum(p.numel() for p in AttNet((1, 28, 28), eta=0.3).parameters()) == 655_084
    assert sum(p.numel() for p in AttNet((3, 32, 32), eta=0.1).parameters()) == 2_030_172


def test_attnet_learns_the_best_attack_on_a_linear_classifier():
    """On two classes the best perturbation depends on the label alone, so Eq. (9) can reach FGSM's loss."""
    torch.manual_seed(0)
    g, (x, y) = Linear(classes=2), images(256, classes=2)
    attack = AttNetAttack(x.shape[1:], eta=0.3, hidden=30, dropout=0.0, iterations=300, batch_size=64, sigma=1e-2)
    x = x.float()
    g.float()
    state = torch.get_rng_state()
    attack.fit(g, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    reached, best = attack(g, x, y), FGSM(eta=0.3)(g, x, y)
    loss = torch.nn.functional.cross_entropy
    assert loss(g(reached), y) > loss(g(x), y) + 0.95 * (loss(g(best), y) - loss(g(x), y))
    again = AttNetAttack(x.shape[1:], eta=0.3, hidden=30, dropout=0.0, iterations=300, batch_size=64, sigma=1e-2)
    again.fit(g, x, y)
    assert torch.equal(again(g, x, y), reached)


# ---- the strong attacks


def test_apgd_and_every_loss_find_the_best_attack_on_a_linear_classifier():
    g, (x, y) = Linear(classes=3), images(40)
    for loss in ("cross_entropy", "margin", "dlr"):
        broken = wrong(g, PGD(eta=0.3, box=False, steps=40, loss=loss)(g, x, y), y)
        assert torch.equal(broken, wrong(g, APGD(eta=0.3, box=False, steps=40, loss=loss)(g, x, y), y))
    w = g.layer.weight  # the margin to class c is linear in z: its best is closed form
    best = torch.stack(
        [
            (g(x)[:, c] - g(x).gather(1, y[:, None])[:, 0] + 0.3 * (w[c] - w[y]).abs().sum(1)).masked_fill(y == c, -9)
            for c in range(3)
        ]
    ).amax(0)
    assert not (broken & (best <= 0)).any()
    assert broken.sum() >= 0.9 * (best > 0).sum()  # a gradient may lead to the second best class


def test_apgd_checkpoints_are_the_papers():
    assert sorted(checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_apgd_halves_its_step_where_a_full_step_overshoots():
    """A loss with its peak inside the ball: full steps of 2 eta jump over it, halved ones close in."""

    class Peak(nn.Module):
        def forward(self, x):
            top = -((x.flatten(1) - 0.123) ** 2).sum(1)
            return torch.stack([-top, torch.zeros_like(top), torch.full_like(top, -9.0)], 1) - 1

    x, y = torch.zeros(3, 1, 2, 2, dtype=torch.float64), torch.full((3,), 1)
    x[1] += 0.05
    z = APGD(eta=0.5, steps=100, loss="margin")(Peak(), x, torch.zeros_like(y))
    torch.testing.assert_close(z, torch.full_like(z, 0.123), atol=2e-3, rtol=0)
    one_size = PGD(eta=0.5, steps=100, step=1.0, loss="margin")(Peak(), x, torch.zeros_like(y))
    assert (one_size - 0.123).abs().max() > 0.05


def test_broken_images_are_not_attacked_again():
    net, (x, y) = Net().eval(), some_images(50)
    seen = []
    net.register_forward_hook(lambda m, i, o: seen.append(len(o)))
    PGD(eta=0.3, steps=3, restarts=3)(net, x, y)
    left = int((~wrong(net, PGD(eta=0.3, steps=3)(net, x, y), y)).sum())
    assert left < 50 and seen[:8] == [50] * 4 + ([left] * 4 if left else seen[4:8])


def test_pgd_goes_on_from_another_attacks_images():
    torch.manual_seed(0)
    net, (x, y) = Net().eval(), some_images(100)
    start = FGSM(eta=0.02, box=True)
    warm = wrong(net, PGD(eta=0.02, steps=1, step=1e-9, start=start)(net, x, y), y)
    assert (warm | ~wrong(net, start(net, x, y), y)).all()  # never weaker than where it starts


def test_spread_is_0_for_one_perturbation_and_1_for_fair_coins():
    x, y = some_images(400)
    assert spread(torch.ones(5, 1, 2, 2), 0.3) == 0
    assert spread(Noise(eta=0.3)(Net(), x, y) - x, 0.3) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("attack", "settings"), [(APGD, {"steps": 0}), (PGD, {"loss": "hinge"})])
def test_impossible_settings_of_strong_attacks_are_refused(attack, settings):
    with pytest.raises(ValueError, match="steps=0|loss='hinge'"):
        attack(eta=0.3, **settings)


# ---- the best response


def test_stacked_networks_are_the_same_as_single_ones():
    stack, (x, y) = AttNetStack((1, 28, 28), [0.0, 0.0, 0.0]), some_images(4)
    literal = AttNet((1, 28, 28), eta=0.3).eval()
    stack.load_attnet(1, literal.state_dict())
    p = stack(x, y)
    torch.testing.assert_close(x + 0.3 * torch.tanh(p[1]), literal(x, y))
    torch.testing.assert_close(stack.select([2, 1])(x, y), p[[2, 1]])
    assert p[0].abs().max() < 0.05  # the small start


def fitted(seed=0, **settings):
    torch.manual_seed(0)
    g, (x, y) = Net().eval(), some_images(400)
    y = g(x).argmax(1)
    recipes = {"margin": {}, "cross_entropy": {"loss": "cross_entropy"}}
    plain = {"recipes": recipes, "iterations": 40, "restarts": 1, "batch_size": 50, "sigma": 1e-2}
    attack = AttNetBest((1, 28, 28), eta=0.1, seed=seed, **(plain | settings))
    attack.fit(g, x[:300], y[:300], val=(x[300:], y[300:]))
    return attack, g, x, y


def test_best_response_keeps_the_member_that_is_worst_on_validation():
    attack, g, x, y = fitted()
    report = attack.report()
    assert len(report["members"]) == 4 and [m["iterations"] for m in report["members"]] == [40, 40, 8, 8]
    chosen = next(m for m in report["members"] if m["name"] == report["chosen"])
    assert chosen["val_error"] == max(m["val_error"] for m in report["members"][:2])
    on_val = wrong(g, attack(g, x[300:], y[300:]), y[300:]).float().mean().item()
    assert on_val == pytest.approx(chosen["val_error"]) and on_val > 0.3
    again, *_ = fitted()
    assert torch.equal(attack(g, x, y), again(g, x, y))


def test_best_response_does_not_weaken_when_warm_started(tmp_path):
    """An attacker that breaks everything by itself, trained no further than one step at a rate near 0."""
    from mvm.weights import save_weights

    attack, g, x, y = fitted(architectures=["mlp"])
    member = attack.best.net
    literal = AttNet((1, 28, 28), eta=0.1)
    with torch.no_grad():
        for i, (w, b) in enumerate(zip(member.weights, member.biases, strict=True)):
            literal.h[3 * i].weight.copy_(w[0].T)
            literal.h[3 * i].bias.copy_(b[0, 0])
    save_weights(literal, tmp_path / "attacker.safetensors")
    before = wrong(g, attack(g, x[300:], y[300:]), y[300:]).float().mean().item()
    warm, *_ = fitted(architectures=["mlp"], iterations=1, sigma=1e-9, warm=str(tmp_path / "attacker.safetensors"))
    assert warm.report()["chosen"] == "mlp warm"
    assert next(m for m in warm.members if m["name"] == "mlp warm")["val_error"] == pytest.approx(before, abs=0.011)
