"""Glyphs, the embedded world of objects on scenes, with its networks and image-text encoder."""
