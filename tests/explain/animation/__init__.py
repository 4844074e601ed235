"""What is drawn of a trace, read back cell by cell."""
