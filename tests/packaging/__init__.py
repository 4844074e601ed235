"""What `make package` builds, and what is in it."""
