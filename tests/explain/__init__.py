"""What is shown: its numbers by the laws, its files by reading them."""
