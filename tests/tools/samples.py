"""A gradient for each sample: private training and its kin."""
