import torch
from torch import nn

from tide_train.nets.global_batch_norm import GlobalBatchNorm


def test_in_one_process_it_is_pytorchs_own_in_numbers_gradients_and_memory():
    torch.manual_seed(0)
    ours, theirs = GlobalBatchNorm(5), nn.BatchNorm1d(5)
    ours.load_state_dict(theirs.state_dict())
    for _ in range(3):
        rows = torch.randn(7, 5) * 3 + 1
        mine, other = rows.clone().requires_grad_(), rows.clone().requires_grad_()
        found, expected = ours(mine), theirs(other)
        torch.testing.assert_close(found, expected)
        (found**3).sum().backward()
        (expected**3).sum().backward()
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-3, atol=1e-3)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    rows = torch.randn(2, 5)
    torch.testing.assert_close(ours.eval()(rows), theirs.eval()(rows))


def test_no_rows_at_all_pass_through_and_leave_no_trace():
    norm = GlobalBatchNorm(5)
    assert norm(torch.empty(0, 5)).shape == (0, 5)
    assert torch.equal(norm.running_mean, torch.zeros(5))
