"""The suite again and again, with other examples each time."""
