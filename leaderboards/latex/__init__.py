"""A board's tables for papers: LaTeX with booktabs, and the bibliography that they cite."""
