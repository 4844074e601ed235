"""The networks of train/models."""
