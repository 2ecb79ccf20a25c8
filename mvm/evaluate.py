"""Score saved defenders against attacks, without training them again.

python -m mvm.evaluate 'runs=outputs/runs/mnist5k-*' 'attacks=[none,fgsm,pgd,attnet]'
python -m mvm.evaluate 'runs=outputs/runs/mnist5k-*' audit=gap
"""

from omegaconf import DictConfig

from mvm.cli import entry
from mvm.cpu import settle


def main(cfg: DictConfig, overrides: list[str]) -> None:
    from mvm import evaluation  # torch and Lightning take seconds, for which --help need not wait

    settle()
    evaluation.main(cfg, overrides)


if __name__ == "__main__":
    entry("evaluate", main)
