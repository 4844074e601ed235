"""Wrong implementations, one fault each: the exam that the laws sit."""
