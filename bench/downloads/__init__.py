"""Published files: what can be downloaded, from where, how it is verified, and where it is kept."""
