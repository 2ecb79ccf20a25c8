"""Leader-follower games min_u max_v f(u, v) for any differentiable f: Alg. 1 and its relatives. Pure torch.

`solve` takes f(u, v) and two players and runs a whole game; `iterate` is one iteration of Alg. 1, which the
Lightning games call on their mini-batches too.
"""

from mvm.leader_follower.alg1 import ORDERS, check_schedule, iterate
from mvm.leader_follower.extragradient import extragradient
from mvm.leader_follower.payoff import Payoff
from mvm.leader_follower.player import Player, Risk, Steps, ascend, descend
from mvm.leader_follower.settings import METHODS, Settings
from mvm.leader_follower.solve import Solution, solve
from mvm.leader_follower.unrolled import unrolled

__all__ = [
    "METHODS",
    "ORDERS",
    "Payoff",
    "Player",
    "Risk",
    "Settings",
    "Solution",
    "Steps",
    "ascend",
    "check_schedule",
    "descend",
    "extragradient",
    "iterate",
    "solve",
    "unrolled",
]
