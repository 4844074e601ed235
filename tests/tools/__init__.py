"""What people use beside manualconv: a snippet a use, tried on torch's model and on three ways to have it by hand."""
