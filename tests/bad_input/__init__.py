"""Bad calls: what is wrong, and what our hint says behind torch's line.  `table.ROWS` has them all."""
