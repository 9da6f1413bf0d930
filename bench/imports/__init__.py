"""Labels that others made: read, checked, scored as a method of their own. No network is run."""
