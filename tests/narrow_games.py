"""Games of narrow nets on the embedded images, as their settings make them."""

import torch
from conftest import compose

from mvm.build import build
from mvm.games.game import Game

PLAIN = {"pgd_train": "warm_up", "mixture": "warm_up"}  # games that begin eager by their defaults, and why
NARROW = ("data=mnist5k", "profile=short", "eta=0.3", "budgets.mnist.rounds=3", "budgets.mnist.round_iterations=8")


def game_of(name: str, *settings: str) -> Game:
    config = compose(f"game={name}", *NARROW, *settings)
    torch.manual_seed(0)
    more = {"source": build(config["classifier"])} if "source" in config["game"] else {}
    game: Game = build(config["game"], defender=build(config["classifier"]), **more)
    game.iterations = getattr(game, "ends", [24])[-1]
    return game
