"""Models of the Hugging Face hub: the hub's cache on this machine, and downloads into it."""
