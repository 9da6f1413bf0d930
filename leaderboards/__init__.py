"""Records to tables and pages, and the published boards themselves."""
