"""Which memory layout a convolution's results have: channels_last exactly where torch's have it.

A tensor *lies* channels-last if its strides grow in the order C, W, H, D, N.  Torch lays output and gradients so if the
input or the weight lies so, in two dimensions; in three for float32, the dtype of its library's kernels.  (There it
takes contiguous kernels for small volumes, by rules of speed that are not followed here.)

Source: ``suggest_memory_format`` in ATen; "Channels Last Memory Format in PyTorch" in PyTorch's tutorials.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.torch_internals import channels_last_format, is_wrapped


def is_channels_last(x: Tensor, w: Tensor) -> bool:
    """Whether the results of a convolution of x ``(N, C, *I)`` with the weight w lie channels-last."""
    if x.dim() not in (4, 5) or (x.dim() == 5 and x.dtype != torch.float32) or x.shape[0] == 0:
        return False
    if not torch.compiler.is_compiling() and (is_wrapped(x) or is_wrapped(w)):
        return False
    formats = (channels_last_format(x), channels_last_format(w))
    return any(format != torch.contiguous_format for format in formats)
