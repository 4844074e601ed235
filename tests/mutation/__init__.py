"""Small changes to the package, one at a time: a test must notice each."""
