"""torch's own operator below its functions, which knows batches alone."""

import torch


def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    if x.dim() != 4:
        raise NotImplementedError("a batch")
    s, p, more, d = ([v, v] if isinstance(v, int) else list(v) for v in (stride, padding, output_padding, dilation))
    return torch.ops.aten.convolution(x, w, b, s, p, d, True, more, groups)
