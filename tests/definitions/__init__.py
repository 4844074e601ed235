"""The definitions themselves: their examples run, and torch's autograd gives what their backward loops give."""
