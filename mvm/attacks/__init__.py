"""Attacks, one file each: callables (classifier, x, y) -> z. See `mvm.attacks.attack`."""
