"""Entries of the download catalog by kind, with the facts that their publishers state."""
