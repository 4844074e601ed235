"""``make gpu``: ours on a device that runs behind the program."""
