"""Classifiers g(x; u): images in [-1, 1], shape (B, C, H, W), to logits (B, 10). One file each."""
