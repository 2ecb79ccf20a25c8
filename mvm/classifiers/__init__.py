"""Classifiers g(x; u): images in [-1, 1], shape (B, C, H, W), to logits (B, 10). One file each.

Their weights are stored channels last: on a CPU a step takes a quarter to a half less time (docs/solvers.md).
"""
