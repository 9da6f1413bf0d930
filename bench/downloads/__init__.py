"""Files from elsewhere: what may be fetched, from where, how it is checked, and where it lies."""
