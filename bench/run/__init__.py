"""One run: from a composed config to records on disk."""
