"""Narrower nets for smaller budgets."""


def scaled(n: int, width: float) -> int:
    """n channels or units times `width`, at least 1. ValueError unless width is a positive number."""
    if not isinstance(width, (int, float)) or not width > 0:
        raise ValueError(f"width={width}: must be a positive number; 1 is the paper's net")
    return max(1, round(n * width))
