"""unfoldNd: windows as columns, by a convolution with ones and zeros."""

import unfoldNd


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    if x.dim() != 4:
        raise NotImplementedError("a batch of images")
    return unfoldNd.unfoldNd(x, kernel_size, dilation, padding, stride)
