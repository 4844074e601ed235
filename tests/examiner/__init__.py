"""``manualconv check``: right and wrong implementations that it is tried on."""
