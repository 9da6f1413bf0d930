"""A board as Markdown, pictures and terminal tables."""
