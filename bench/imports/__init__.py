"""Import of labels from other sources, scored as a method of their own. No network is run."""
