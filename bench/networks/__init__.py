"""How a network is run and read: its layers, their axes, hooks, precision, weights files."""
