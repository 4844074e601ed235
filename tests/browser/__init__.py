"""What ``make browser`` does: the page of `manualconv animate` in a real browser."""
