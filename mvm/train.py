"""Train a defender by a game, score it on the test set, keep the record.

python -m mvm.train game=minimax data=cifar10 eta=0.2
"""

from omegaconf import DictConfig

from mvm.cli import entry
from mvm.cpu import settle


def main(cfg: DictConfig, overrides: list[str]) -> None:
    from mvm import training  # torch and Lightning take seconds, for which --help need not wait

    settle()
    training.main(cfg, overrides)


if __name__ == "__main__":
    from mvm import train as itself  # by its name, under which a launcher's other processes find it

    entry("train", itself.main)
