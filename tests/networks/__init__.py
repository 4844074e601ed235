"""torchvision's networks by hand, in training and evaluation, beside torch's own run of the same model."""
