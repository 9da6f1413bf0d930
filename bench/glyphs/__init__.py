"""Glyphs, the embedded world: objects on scenes, its networks and its image-text encoder."""
