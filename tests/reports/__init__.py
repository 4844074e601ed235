"""Public reports, each a test named by what went wrong: the smallest input, its variations, and the right value."""
