"""One number at a time, and the sums that centre and scale them."""
