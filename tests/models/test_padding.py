"""Padding that exports as one node is still padding that can be trained through."""

import torch

from harness.models.padding import pad_ends


def test_gradients_of_the_padding_are_those_of_what_it_keeps():
    x = torch.arange(24, dtype=torch.float64).reshape(1, 2, 3, 4).requires_grad_()
    padded = pad_ends(x, (0, 0, 2, 1))
    assert padded.shape == (1, 2, 5, 5)
    assert torch.autograd.gradcheck(lambda value: pad_ends(value, (0, 0, 2, 1)), (x,))
