"""From records to tables and pages; the published boards lie here too."""
