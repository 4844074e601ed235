"""The exam that the laws of convolution, max pooling and batch normalisation sit."""
