"""The whitening convolution, the one layer whose weights come from images."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["WhiteningConv2d", "whitening_filters"]

_MAX_IMAGES = 5000
#: Pixel values a block, so that memory does not grow with the images' size.
_VALUES_AT_ONCE = 1 << 20
#: Keeps directions in which the patches hardly vary from being blown up (images in unit variance).
_EPSILON = 5e-4


def whitening_filters(images: Tensor, size: int) -> Tensor:
    """Return filters ``[size² C, C, size, size]`` that decorrelate the patches of images.

    The eigenvectors of the patches' second moments, each divided by the root of its eigenvalue, so
    that their responses are uncorrelated and of unit size. ``images`` are float ``[N, C, H, W]``;
    the sums are taken in float64 on the CPU, and the signs are fixed: the same images give the
    same filters.
    """
    channels = images.shape[1]
    moments = torch.zeros(channels * size * size, channels * size * size, dtype=torch.float64)
    count = 0
    images = images[:_MAX_IMAGES]
    step = max(1, _VALUES_AT_ONCE // images[0].numel())
    for start in range(0, len(images), step):
        block = images[start : start + step].float()
        patches = functional.unfold(block, size).cpu().double()
        patches = patches.transpose(1, 2).flatten(0, 1)
        moments += patches.T @ patches
        count += len(patches)
    values, vectors = torch.linalg.eigh(moments / count)
    vectors = vectors.T
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    vectors = vectors * largest.sign()
    filters: Tensor = vectors / (values.clamp_min(0) + _EPSILON).sqrt()[:, None]
    return filters.float().view(-1, channels, size, size)


class WhiteningConv2d(nn.Module):
    """A convolution with frozen filters: the whitening ones, then the same with the sign turned.

    Before :meth:`initialize_from_images` the filters are the single pixels of a patch.
    """

    weight: Tensor

    def __init__(self, channels: int, size: int, *, trainable_bias: bool) -> None:
        super().__init__()
        filters = channels * size * size
        pixels = torch.eye(filters).view(filters, channels, size, size)
        self.size = size
        self.weight = nn.Parameter(torch.cat([pixels, -pixels]), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(2 * filters), requires_grad=trainable_bias)

    @torch.no_grad()
    def initialize_from_images(self, images: Tensor) -> None:
        """Set the filters from the layer's input ``[N, C, H, W]``, of which it takes 5,000."""
        filters = whitening_filters(images, self.size).to(self.weight.device)
        self.weight.copy_(torch.cat([filters, -filters]))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias)
