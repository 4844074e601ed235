"""The numbers of the default run, in a file without torch, so that ``--help`` may quote them."""

EPOCHS = 6
BATCH_SIZE = 128
LEAST_BATCH = 8
WORTHWHILE_STEPS = 100  # of a run: 2,000 images teach LeNet 12 to 27 % in 16 batches of 128, 84 % in 125 of 16
DATASETS = ("mnist", "fashion-mnist", "kmnist", "emnist", "cifar10")
ARCH = "lenet5"
LR = 0.05  # the peak of the schedule
LRS = {
    ARCH: LR,
    "lenet5-1998": 0.002,
    "lenet5-unpadded": LR,
    "conv-pool": LR,
    "sub-sampled": LR,
    "cifar": LR,
}  # of every network of `train.models`
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
