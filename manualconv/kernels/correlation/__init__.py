"""The three maps of the trilinear form: an algorithm a file, one protocol, one chooser."""
