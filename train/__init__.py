"""LeNet-5 on MNIST, trained through ``manualconv.nn`` and ``manualconv.functional``: ``python -m train``."""
