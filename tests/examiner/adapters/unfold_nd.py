"""unfoldNd: windows as columns, by a convolution with ones and zeros."""

import unfoldNd


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    if len(x) == 0 or (isinstance(kernel_size, tuple) and x.dim() != len(kernel_size) + 2):
        raise NotImplementedError("a batch of some images")
    return unfoldNd.unfoldNd(x, kernel_size, dilation, padding, stride)
