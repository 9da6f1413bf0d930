"""From what a user types to validated jobs: schema, composition, expansion, validation."""
