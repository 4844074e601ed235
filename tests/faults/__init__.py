"""Wrong implementations of convolution, one fault each: the exam that the laws sit."""
