"""How fast the similarity functions are, against plain loops written from the papers' formulas."""
