"""Lemma 1's five inequalities, where every solution in them is known."""

import torch


def check(f, v_of, u_of, minimax, maximin, us, vs):
    """f(u, v) of single choices; v_of(u), u_of(v): the exact best responses; minimax u*, maximin v*."""
    slack = 1e-9
    value, lower = f(minimax, v_of(minimax)), f(u_of(maximin), maximin)
    for u in us:
        assert value <= f(u, v_of(u)) + slack  # 2
        for v in vs:
            assert f(u, v_of(u)) >= f(u, v) - slack  # 1
            assert f(u_of(v), v) <= f(u, v) + slack  # 3
    for v in vs:
        assert lower >= f(u_of(v), v) - slack  # 4 in its stronger form, f(u*(v*), v*)
        assert f(u_of(v), maximin) >= f(u_of(v), v) - slack or f(u_of(v), maximin) >= lower - slack  # 4 as printed
    assert lower <= value + slack  # 5
    return value - lower


def test_a_matrix_game_in_pure_strategies():
    a = torch.randn(8, 9, dtype=torch.float64)  # rows: u
    gap = check(
        lambda u, v: a[u, v].item(),
        lambda u: int(a[u].argmax()),
        lambda v: int(a[:, v].argmin()),
        int(a.max(1).values.argmin()),
        int(a.min(0).values.argmax()),
        range(8),
        range(9),
    )
    assert gap > 0  # no saddle point: the two worst cases differ


def test_a_quadratic_game():
    """f = u'Pu/2 + u'Av - v'Qv/2 + p'u + q'v: best responses are linear, u* and v* solve one linear system."""
    n, m = 4, 3
    root_p, root_q, a = (torch.randn(*s, dtype=torch.float64) for s in ((n, n), (m, m), (n, m)))
    p_, q_ = torch.randn(n, dtype=torch.float64), torch.randn(m, dtype=torch.float64)
    p, q = root_p @ root_p.T + torch.eye(n), root_q @ root_q.T + torch.eye(m)

    def f(u, v):
        return (u @ p @ u / 2 + u @ a @ v - v @ q @ v / 2 + p_ @ u + q_ @ v).item()

    def v_of(u):
        return torch.linalg.solve(q, a.T @ u + q_)

    def u_of(v):
        return torch.linalg.solve(p, -(a @ v + p_))

    minimax = torch.linalg.solve(p + a @ torch.linalg.solve(q, a.T), -(p_ + a @ torch.linalg.solve(q, q_)))
    maximin = torch.linalg.solve(q + a.T @ torch.linalg.solve(p, a), q_ - a.T @ torch.linalg.solve(p, p_))
    us, vs = torch.randn(30, n, dtype=torch.float64), torch.randn(30, m, dtype=torch.float64)
    gap = check(f, v_of, u_of, minimax, maximin, us, vs)
    assert abs(gap) < 1e-9  # convex in u, concave in v: a saddle point
