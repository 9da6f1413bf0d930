"""Pure functions on tables and arrays: label match, ranks, text similarity, statistics."""
