"""Games of a few weights in float64, one plain gradient step of each, and what it should give."""

import copy

import torch
from problems import Smooth, SmoothAttacker, images, numeric_gradient

from mvm.attacks.fgsm import FGSM
from mvm.games.adv_train import AdvTrain
from mvm.games.alt import Alt
from mvm.games.attnet import AttNetGame
from mvm.games.cat_mouse import CatMouse
from mvm.games.lwa_fgsm import LWAFGSM
from mvm.games.maximin import Maximin
from mvm.games.minimax import Minimax
from mvm.games.mixture import Mixture
from mvm.games.sens_fgsm import SensFGSM
from mvm.games.undefended import Undefended

LAMBDA, SIGMA, GAMMA, ETA = 0.1, 0.2, 0.7, 0.3
PLAIN = {"iterations": 5, "lambda_": LAMBDA, "u_optimizer": torch.optim.SGD}
PENALTY = {"minimax": "exact", "maximin": "double", "sens_fgsm": "exact"}  # their defaults
FOLLOW = {"sigma": SIGMA, "v_optimizer": torch.optim.SGD}


class Learned:
    """The part of a learned attack that games use."""

    def __init__(self):
        self.net = SmoothAttacker(eta=ETA)

    def __call__(self, classifier, x, y):
        return self.net(x, y)


def fgsm():
    return FGSM(eta=ETA)


def game_of(name, defender, source):
    return {
        "undefended": lambda: Undefended(defender, **PLAIN),
        "adv_train": lambda: AdvTrain(defender, source=source, against=fgsm(), warm_start=False, **PLAIN),
        "cat_mouse": lambda: CatMouse(
            defender,
            source=source,
            against=fgsm(),
            rounds=2,
            round_iterations=3,
            lambda_=LAMBDA,
            u_optimizer=torch.optim.SGD,
        ),
        "lwa_fgsm": lambda: LWAFGSM(defender, against=fgsm(), **PLAIN),
        "sens_fgsm": lambda: SensFGSM(defender, against=fgsm(), penalty=PENALTY["sens_fgsm"], **PLAIN),
        "attnet": lambda: AttNetGame(defender, source=source, attack=Learned(), iterations=5, **FOLLOW),
        "alt": lambda: Alt(defender, attack=Learned(), **PLAIN, **FOLLOW),
        "mixture": lambda: Mixture(defender, members={"fgsm": fgsm(), "net": Learned()}, **PLAIN, **FOLLOW),
        "minimax": lambda: Minimax(
            defender, attack=Learned(), gamma=GAMMA, penalty=PENALTY["minimax"], **PLAIN, **FOLLOW
        ),
        "maximin": lambda: Maximin(
            defender, attack=Learned(), gamma=GAMMA, penalty=PENALTY["maximin"], **PLAIN, **FOLLOW
        ),
    }[name]()


def played(name, monkeypatch):
    """A game before and after one iteration: (before, after, source, x, y)."""
    torch.manual_seed(0)
    source = Smooth()
    game = game_of(name, Smooth(), source)
    optimizers = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizers)
    monkeypatch.setattr(CatMouse, "_keep_round", lambda self: None)
    before = copy.deepcopy(game.state_dict())
    old = copy.deepcopy({"u": game.defender, "v": getattr(game, "attacker", None)})
    x, y = images()
    game.iterate(x, y)
    return old, before, game, source, x, y


def expected_u(u, loss):
    return [p - LAMBDA * g for p, g in zip(u.parameters(), numeric_gradient(loss, list(u.parameters())), strict=True)]


def check(actual, expected):
    for a, b in zip(actual.parameters(), expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=1e-6)


def both(u, v, fu, fv):
    """Expected parameters after u steps down fu and v up fv, both at the old point."""
    g_v = numeric_gradient(fv, list(v.parameters()))
    return expected_u(u, fu), [p + SIGMA * g for p, g in zip(v.parameters(), g_v, strict=True)]


def norm_of(f, parameters):
    return sum(g.square().sum() for g in torch.autograd.grad(f(), list(parameters)))
