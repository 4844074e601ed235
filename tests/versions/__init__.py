"""The suite on every Python and torch that the package claims: each in an environment of its own."""
