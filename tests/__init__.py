"""The tests of manualconv: laws and loop definitions first, then torch as referee, then finite differences."""
