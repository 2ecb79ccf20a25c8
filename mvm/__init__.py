"""Attack-defence games for adversarial examples (Machine vs Machine, ICLR 2018 submission)."""

__version__ = "0.1.0"
