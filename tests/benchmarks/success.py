"""The share of random starts from which each method finds the answer of each known game: `make games`.

Writes the table into docs/solvers.md between its two markers, and the figure docs/games.png.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from known_games import GAMES, KnownGame

from mvm.errors import UserError
from mvm.leader_follower import solve

DOCS = Path(__file__).parents[2] / "docs"
STARTS, ITERATIONS, RATE, GAMMA, TOLERANCE = 100, 1000, 0.05, 0.5, 0.1
FOLLOWERS = 5
METHODS = {
    "Minimax": {"method": "minimax"},
    "Carried": {"method": "minimax", "penalty": "carried"},
    f"Minimax, {FOLLOWERS} followers": {"method": "minimax", "population": FOLLOWERS},
    f"Alt, {FOLLOWERS} followers": {"method": "alt", "population": FOLLOWERS},
    "Alt, u first": {"method": "alt"},
    "Alt, v first": {"method": "alt", "order": "follower_first"},
    "Alt, 5 ascents": {"method": "alt", "ascent_steps": 5},
    "GDA": {"method": "gda"},
    "Extragradient": {"method": "extragradient"},
    "Look-ahead": {"method": "lookahead"},
    "Unrolled, 5": {"method": "unrolled", "unroll": 5},
    "Maximin": {"method": "maximin"},
}


def starts(game: KnownGame, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(n, game.minimax.shape[1], generator=generator, dtype=torch.float64) - 0.5
    v = torch.rand(n, game.maximin.shape[1], generator=generator, dtype=torch.float64) - 0.5
    return u * game.u_box, v * game.v_box


def many(game: KnownGame, v: torch.Tensor) -> tuple[Callable, torch.Tensor]:
    """`solve`'s population for all starts at once, v: each copy of the game has a worst follower of its own.

    f and v (n, K, q) such that every follower ascends, and u sees only the worst: the others face a u that is
    held still. So Eq. (16)'s penalty, too, is that of the worst one.
    """
    generator = torch.Generator().manual_seed(1)
    others = torch.rand(len(v), FOLLOWERS - 1, v.shape[1], generator=generator, dtype=v.dtype) - 0.5

    def f(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        def each(u: torch.Tensor) -> torch.Tensor:  # (n, K)
            return game.f(u.repeat_interleave(FOLLOWERS, 0), v.flatten(0, 1)).view(v.shape[:2])

        still = each(u.detach())
        worst = torch.nn.functional.one_hot(still.argmax(1), FOLLOWERS).bool()
        return torch.where(worst, each(u), still).sum()

    return f, torch.cat([v[:, None], game.v_box * others], 1)


def share(game: KnownGame, settings: dict) -> float:
    """All starts at once, f being the sum over independent copies of the game."""
    settings = dict(settings)
    u, v = starts(game, STARTS)
    rates = {"iterations": ITERATIONS, "lambda_": RATE, "sigma": RATE, "gamma": GAMMA}
    f, v = many(game, v) if settings.pop("population", 1) > 1 else (lambda u, v: game.f(u, v).sum(), v)
    try:
        end = solve(f, u, v, project=game.project, **rates, **settings)
    except UserError:
        return 0.0
    found, answers = (end.v, game.maximin) if settings["method"] == "maximin" else (end.u, game.minimax)
    return (torch.cdist(found.detach(), answers) < TOLERANCE).any(1).double().mean().item()


def table() -> str:
    lines = ["| game | saddle | " + " | ".join(METHODS) + " |", "|---|---|" + "---:|" * len(METHODS)]
    for game in GAMES:
        shares = [share(game, settings) for settings in METHODS.values()]
        lines.append(
            f"| {game.name} | {'yes' if game.saddle else 'no'} | " + " | ".join(f"{s:.2f}" for s in shares) + " |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines)


def path(game: KnownGame, method: str) -> torch.Tensor:
    """(T, 2): u and v of one start after each iteration."""
    points = []
    rates = {"iterations": 400, "lambda_": RATE, "sigma": RATE, "gamma": GAMMA}

    def keep(u: torch.Tensor, v: torch.Tensor) -> None:
        game.project(u, v)
        points.append(torch.stack([u[0, 0], v[0, 0]]))

    u, v = torch.full((1, 1), 0.45 * game.u_box).double(), torch.full((1, 1), -0.3 * game.v_box).double()
    solve(lambda u, v: game.f(u, v).sum(), u, v, method, project=keep, **rates)
    return torch.stack(points)


def figure(file: Path) -> None:
    """Every planar game: f, its minimax points, and one start's way under Alg. 1 and under Alt."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    planar = [game for game in GAMES if game.minimax.shape[1] == 1]
    _, axes = plt.subplots(2, 5, figsize=(13, 5.6), layout="constrained")
    for axis, game in zip(axes.flat, planar, strict=True):
        u = torch.linspace(-game.u_box, game.u_box, 81).double()
        v = torch.linspace(-game.v_box, game.v_box, 81).double()
        f = game.f(u.repeat(81)[:, None], v.repeat_interleave(81)[:, None]).view(81, 81)
        axis.contourf(u, v, f, 14, cmap="Greys", alpha=0.6)
        for method, colour in (("alt", "tab:orange"), ("minimax", "tab:blue")):
            axis.plot(*path(game, method).T, color=colour, lw=1.2, label={"alt": "Alt", "minimax": "Alg. 1"}[method])
        for u_star in game.minimax[:, 0]:
            axis.axvline(u_star, color="tab:red", ls=":", lw=1.2)
        axis.set(title=game.name, xlabel="u", ylabel="v")
    axes[0, 0].legend(fontsize=8)
    plt.savefig(file, dpi=55)


if __name__ == "__main__":
    torch.set_num_threads(1)
    page = DOCS / "solvers.md"
    between = re.compile(r"(<!-- games -->\n).*?(<!-- end -->)", re.S)
    made = table()
    page.write_text(between.sub(lambda m: f"{m[1]}{made}\n{m[2]}", page.read_text()))
    figure(DOCS / "games.png")
