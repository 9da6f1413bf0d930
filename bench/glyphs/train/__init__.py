"""Train the embedded world's networks; the entry point is ``run.train_glyphs``."""
