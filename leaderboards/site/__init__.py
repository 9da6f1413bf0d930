"""A board as a static site: pages that a browser opens from disk, without a server or a network."""
