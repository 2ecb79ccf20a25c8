"""FGM, FGSM, IFGSM, PGD, APGD and noise: closed forms on linear classifiers, and what restarts may do."""

import pytest
import torch
from problems import Linear, Net, images, some_images
from torch import nn

from mvm.attacks.apgd import APGD, _State, checkpoints
from mvm.attacks.attack import wrong
from mvm.attacks.diversity import spread
from mvm.attacks.fgm import FGM
from mvm.attacks.fgsm import FGSM
from mvm.attacks.gradient import Seen
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.loss import dlr
from mvm.attacks.noise import Noise
from mvm.attacks.pgd import PGD
from mvm.attacks.worst import Worst


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


def test_apgd_and_every_loss_find_the_best_attack_on_a_linear_classifier():
    g, (x, y) = Linear(classes=3), images(40)
    w = g.layer.weight  # the margin to class c is linear in z: its best is closed form
    best = torch.stack(
        [
            (g(x)[:, c] - g(x).gather(1, y[:, None])[:, 0] + 0.3 * (w[c] - w[y]).abs().sum(1)).masked_fill(y == c, -9)
            for c in range(3)
        ]
    ).amax(0)
    for loss in ("cross_entropy", "margin", "dlr"):
        broken = wrong(g, PGD(eta=0.3, box=False, steps=40, loss=loss)(g, x, y), y)
        assert torch.equal(broken, wrong(g, APGD(eta=0.3, box=False, steps=40, loss=loss)(g, x, y), y))
        assert not (broken & (best <= 0)).any()
        assert broken.sum() >= 0.9 * (best > 0).sum()  # a gradient may lead to the second best class
    with pytest.raises(ValueError, match="three classes or more, and here are 2: use loss=margin"):
        APGD(eta=0.3, steps=2)(Linear(classes=2), *images(4, classes=2))


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


def test_apgd_goes_back_to_its_best_image_where_its_steps_do_not_pay():
    """Two images; the first's loss falls after a rise, the second's rises at each step."""

    def at(*loss):
        return Seen(torch.tensor(loss), torch.zeros(2, dtype=torch.bool), torch.tensor(loss).view(2, 1) + 0.5)

    z = [torch.full((2, 1), float(k)) for k in range(4)]
    state = _State(z[0], at(1.0, 1.0), step=1.0)
    for k, loss in enumerate([(3.0, 2.0), (2.0, 3.0), (1.0, 4.0)], start=1):
        state.move(z[k], at(*loss))
    state.checkpoint()
    assert state.z.flatten().tolist() == [1.0, 3.0] == state.best.flatten().tolist()
    assert state.before.flatten().tolist() == [1.0, 2.0]  # without momentum from where it went astray
    assert state.step.tolist() == [0.5, 1.0] and state.loss.tolist() == [3.0, 4.0]
    assert state.gradient.flatten().tolist() == [3.5, 4.5]


def test_broken_images_are_not_attacked_again():
    net, (x, y) = Net().eval(), some_images(50)
    seen = []
    net.register_forward_hook(lambda m, i, o: seen.append(len(o)))
    PGD(eta=0.3, steps=3, restarts=3)(net, x, y)
    left = int((~wrong(net, PGD(eta=0.3, steps=3)(net, x, y), y)).sum())
    assert left < 50 and seen[:8] == [50] * 4 + ([left] * 4 if left else seen[4:8])


def test_pgd_that_stops_breaks_the_same_images_with_fewer_gradients():
    torch.manual_seed(0)
    net, (x, y) = Net().eval(), some_images(100)
    seen = []
    net.register_forward_hook(lambda m, i, o: seen.append(len(o)))

    def run(stop):
        seen.clear()
        z = PGD(eta=0.02, steps=6, restarts=2, stop=stop)(net, x, y)
        return z, list(seen)

    (all_the_way, cost), (stopped, less) = run(False), run(True)
    assert torch.equal(wrong(net, all_the_way, y), wrong(net, stopped, y))
    assert less[:6] == sorted(less[:6], reverse=True) and 0 < less[5] < 100 and sum(less) < sum(cost)
    warm = PGD(eta=0.02, steps=6, restarts=2, stop=True, start=FGSM(eta=0.02, box=True))(net, x, y)
    assert (wrong(net, warm, y) | ~wrong(net, stopped, y)).all()  # on from another attack's images, too
    whole = ~wrong(net, stopped, y)
    torch.testing.assert_close(stopped[whole], all_the_way[whole])


def test_pgd_stops_at_the_third_misclassified_iterate():
    torch.manual_seed(0)
    net, (x, _) = Net().eval(), some_images(100)
    wrong_everywhere = (net(x).argmax(1) + 1) % 10
    seen = []
    net.register_forward_hook(lambda m, i, o: seen.append(len(o)))
    PGD(eta=1e-6, steps=20, stop=True)(net, x, wrong_everywhere)
    assert seen == [100] * 3


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


@pytest.mark.parametrize(
    ("attack", "settings"),
    [(PGD, {"steps": 0}), (PGD, {"restarts": 0}), (IFGSM, {"steps": 0}), (FGSM, {"eta": -1})]
    + [(PGD, {"step": -0.1}), (IFGSM, {"step": "a"}), (PGD, {"stop": "no"}), (FGSM, {"box": "off"})],
)
def test_impossible_settings_are_refused(attack, settings):
    with pytest.raises(
        ValueError, match="step=|steps=|restarts=|eta=|stop=no: must be true or false|box=off: must be true or false"
    ):
        attack(**{"eta": 0.3, **settings})


@pytest.mark.parametrize(("attack", "settings"), [(APGD, {"steps": 0}), (PGD, {"loss": "hinge"})])
def test_impossible_settings_of_strong_attacks_are_refused(attack, settings):
    with pytest.raises(ValueError, match="steps=0|loss='hinge'"):
        attack(eta=0.3, **settings)


class Flat(nn.Module):
    """No gradient anywhere: every image is as it was started. Keeps what it is asked about."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, z):
        self.seen.append(z.detach().clone())
        return torch.zeros(len(z), 3).to(z) + 0 * z.flatten(1).sum(1, keepdim=True)


@pytest.mark.parametrize("kind", [PGD, APGD])
def test_each_restart_is_from_another_point_of_the_ball(kind):
    net, x = Flat(), torch.rand(4, 1, 20, 20, dtype=torch.float64) * 2 - 1
    kind(eta=0.3, box=False, steps=1, restarts=3)(net, x, torch.zeros(4, dtype=torch.int64))
    starts = (torch.stack(net.seen[::2]) - x) / 0.3
    assert starts.abs().max() <= 1 + 1e-9
    assert starts.square().mean().item() == pytest.approx(1 / 3, rel=0.1)  # uniform on [-1, 1]
    assert all((starts[i] * starts[j]).mean().abs() < 0.05 for i, j in ((0, 1), (0, 2), (1, 2)))


class Hill(nn.Module):
    """The risk of class 0 falls with the distance from `top`."""

    def __init__(self, top):
        super().__init__()
        self.top = top

    def forward(self, z):
        distance = (z.flatten(1) - self.top).square().sum(1)
        return torch.stack([distance, torch.zeros_like(distance)], 1)


@pytest.mark.parametrize(
    ("top", "settings", "end"),
    [
        (0.25, {"eta": 0.5, "steps": 4, "step": 0.1}, 0.2),  # 0.1, 0.2, 0.3, and back: its gradient is taken at z
        (0.12, {"eta": 0.3, "steps": 3}, 0.3),  # steps of eta, as Eq. (2) prints them: 0.3, 0, 0.3
    ],
)
def test_ifgsm_follows_the_gradient_by_the_printed_steps(top, settings, end):
    x = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    assert IFGSM(**settings)(Hill(top), x, torch.zeros(1, dtype=torch.int64)).item() == pytest.approx(end)


def test_dlr_is_the_margin_over_the_spread_of_the_logits_whatever_their_scale():
    logits, y = torch.tensor([[4.0, 1.0, 0.0], [5.0, 3.0, 1.0]], dtype=torch.float64), torch.tensor([0, 1])
    for scaled in (logits, 7 * logits + 2):
        assert dlr(scaled, y).tolist() == pytest.approx([-0.75, 0.5])


def test_a_broken_image_is_not_given_up_for_a_larger_loss():
    found = Worst(torch.zeros(1, 1), torch.tensor([1.0]), torch.tensor([True]))
    found.offer(torch.ones(1, 1), torch.tensor([5.0]), torch.tensor([False]))
    assert found.z.item() == 0
