"""What is proved of every operation, and how often: ``make prove`` prints it."""
