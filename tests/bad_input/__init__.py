"""Bad calls: what is wrong, how torch's error opens, and what ours says besides.  `table.ROWS` has them all."""
