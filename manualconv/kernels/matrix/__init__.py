"""A convolution as a sparse matrix, and its largest singular value."""
