"""The mixture game, Eqs. (20) and (21): each rule of weighting against numeric gradients in float64."""

import copy

import pytest
import torch
import torch.nn.functional as F
from one_step import ETA, FOLLOW, PLAIN, SIGMA, Learned, check, expected_u, fgsm
from problems import Smooth, images, numeric_gradient

from mvm.attacks.attnet_best import AttNetBest
from mvm.attacks.fgsm import FGSM
from mvm.attacks.noise import Noise
from mvm.attacks.none import Clean
from mvm.attacks.transfer import Transfer
from mvm.games.lwa_fgsm import LWAFGSM
from mvm.games.mixture import MIXES, Mixture
from mvm.risk import risk


@pytest.mark.parametrize("mix", ["dataset", "image", "softmax", "mean"])
def test_mixture_descends_on_eq21(mix, monkeypatch):
    """After the learned member's ascent: the largest mean risk, each image's largest loss, or their soft weighting."""
    torch.manual_seed(0)
    members = {"noise": Noise(eta=0.5), "net": Learned()}
    game = Mixture(Smooth(), members=members, mix=mix, temperature=0.05, **PLAIN, **FOLLOW)
    optimizers = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizers)
    u, v = copy.deepcopy(game.defender), copy.deepcopy(members["net"].net)
    x, y = images()
    seen = game.iterate(x, y)
    up = numeric_gradient(lambda: risk(u(v(x, y)), y), list(v.parameters()))
    check(members["net"].net, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])
    z1, z2 = members["noise"](u, x, y), members["net"].net(x, y).detach()

    def losses(g):
        return torch.stack([torch.nn.functional.cross_entropy(g(z), y, reduction="none") for z in (z1, z2)])

    if mix == "dataset":
        best = losses(u).mean(1).argmax()
        check(game.defender, expected_u(u, lambda: losses(u)[best].mean()))
    elif mix == "image":
        assert len(losses(u).argmax(0).unique()) == 2  # both members are some image's worst
        check(game.defender, expected_u(u, lambda: losses(u).max(0).values.mean()))
    elif mix == "mean":
        check(game.defender, expected_u(u, lambda: losses(u).mean()))
    else:
        w = torch.softmax(losses(u).mean(1) / 0.05, 0).detach()
        check(game.defender, expected_u(u, lambda: (w * losses(u).mean(1)).sum()))
        torch.testing.assert_close(seen["weight_net"], w[1])
    assert seen["weight_noise"] + seen["weight_net"] == pytest.approx(1)


@pytest.mark.parametrize(
    "wrong", [{"members": {}}, {"mix": "worst"}, {"ascent_steps": 0}, {"temperature": 0.0}, {"sigma": -1.0}]
)
def test_impossible_mixtures_are_refused(wrong):
    settings = {"members": {"fgsm": fgsm()}, **PLAIN, **FOLLOW} | wrong
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
        Mixture(Smooth(), **settings)


def test_members_that_only_score_are_refused():
    """They would be played untrained: a best response is fitted once, a sample set needs its victim's weights."""
    sample_set = Transfer(eta=0.3, box=False, method=FGSM, victim=Smooth(), source="undefended")
    response = AttNetBest((1, 4, 4), eta=0.3, recipes={"one": {}})
    for member, name in ((response, "attnet_best"), (sample_set, "transfer")):
        with pytest.raises(ValueError, match=r"members=\[it\] only scores"):
            Mixture(Smooth(), members={"fgsm": fgsm(), "it": member}, **PLAIN, **FOLLOW)
        with pytest.raises(ValueError, match=f"attack={name} only scores"):
            LWAFGSM(Smooth(), against=member, **PLAIN)


@pytest.mark.parametrize("mix", ["image", "mean"])
def test_the_defender_faces_each_images_worst_member_within_the_games_reach(mix):
    """Also where all weigh the same; and `none`, whose eta is 0, does not stand for the game's."""
    u, (x, y), members = Smooth(), images(), {"none": Clean(), "a": Noise(eta=ETA), "b": Noise(eta=ETA, seed=1)}
    game = Mixture(u, members=members, mix=mix, **PLAIN, **FOLLOW)
    zs = torch.stack([member(u, x, y) for member in members.values()])
    losses = torch.stack([F.cross_entropy(u(z), y, reduction="none") for z in zs])
    torch.testing.assert_close(F.cross_entropy(u(game.perturb(x, y)), y, reduction="none"), losses.max(0).values)
    assert len(set(losses.argmax(0).tolist())) > 1 and game.faced().eta == ETA


@pytest.mark.parametrize("mix", MIXES)
def test_the_defender_moves_on_every_weight_that_is_not_zero(mix):
    game = Mixture(Smooth(), members={"clean": Clean(), "fgsm": fgsm()}, mix=mix, iterations=5, lambda_=0.1, sigma=0.1)
    for seed in range(5):
        weights = game.weights(torch.rand(3, 7, generator=torch.Generator().manual_seed(seed)))
        assert [t.tolist() for t in game._used(weights)] == [t.tolist() for t in weights.nonzero(as_tuple=True)]


def test_a_mixture_of_fgsm_and_two_networks_by_hand(monkeypatch):
    """Two iterations: FGSM is made against the defender as it has become, and each network goes on."""
    torch.manual_seed(0)
    members = {"fgsm": fgsm(), "a": Learned(), "b": Learned()}
    game = Mixture(Smooth(), members=members, mix="mean", **PLAIN, **FOLLOW | {"ascent_steps": 2})
    optimizers = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizers)
    for _ in range(2):
        play_by_hand(game, images(), [images(), images()])


def play_by_hand(game, batch, others):
    """One iteration of a mixture of fgsm and networks: two ascents of each on the other mini-batches, one descent."""
    game.ahead = others
    u, (x, y) = copy.deepcopy(game.defender), batch
    zs = [fgsm()(u, x, y)]
    ascended = {name: copy.deepcopy(net) for name, net in game.attacker.items()}
    for v in ascended.values():
        for other in others:
            ascend_by_hand(u, v, *other)
        zs.append(v(x, y).detach())
    seen = game.iterate(x, y)
    for name, net in game.attacker.items():
        check(net, list(ascended[name].parameters()))
    check(game.defender, expected_u(u, lambda: sum(risk(u(z), y) for z in zs) / 3))
    assert [seen[f"risk_{n}"].item() for n in game.members] == pytest.approx([risk(u(z), y).item() for z in zs])


def ascend_by_hand(u, v, x, y):
    up = numeric_gradient(lambda: risk(u(v(x, y)), y), list(v.parameters()))
    with torch.no_grad():
        for p, g in zip(v.parameters(), up, strict=True):
            p += SIGMA * g
