"""Verify records: find their truths and rules here, and recompute what follows from them."""
