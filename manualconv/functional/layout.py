"""Which memory layout a layer's results have: channels_last exactly where torch's have it.

A tensor *lies* channels-last if its strides grow in the order C, W, H, D, N.  Torch lays output and gradients so if the
input or the weight lies so, in two dimensions; in three for float32, the dtype of its library's kernels.  (There it
takes contiguous kernels for small volumes, by rules of speed that are not followed here.)  A pooling's output and input
gradient lie as its input.

Source: ``suggest_memory_format`` in ATen; "Channels Last Memory Format in PyTorch" in PyTorch's tutorials.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.torch_internals import channels_last_format, hides_memory


def _lies_channels_last(t: Tensor) -> bool:
    """Whether the strides say so; where the sizes leave it open (N×1×1×1), they do not."""
    size, stride = t.shape, t.stride()
    reach = stride[1] * size[1]
    if reach == 0:
        return False
    for axis in range(t.dim() - 1, 1, -1):
        if size[axis] == 0 or stride[axis] < reach:
            return False
        reach = stride[axis] * size[axis]
    return size[0] != 0 and stride[0] >= reach and reach != stride[1]


def is_channels_last(x: Tensor, w: Tensor) -> bool:
    """Whether the results of a convolution of x ``(N, C, *I)`` with the weight w lie channels-last."""
    if x.dim() not in (4, 5) or (x.dim() == 5 and x.dtype != torch.float32) or x.shape[0] == 0:
        return False
    if hides_memory(x, w):
        return False
    return _lies_channels_last(x) or _lies_channels_last(w)


def pooled_channels_last(x: Tensor) -> bool:
    """Whether the results of a pooling of x ``(N, C, *I)`` lie channels-last."""
    if x.dim() not in (4, 5) or hides_memory(x):
        return False
    return channels_last_format(x) != torch.contiguous_format
