"""Text that several lists share."""

NO_LICENCE = "none stated"
COMMIT = "the file at the named commit of the authors' repository"
SERVER = (
    "this server is sometimes down for weeks; give a copy from elsewhere with --from FILE or "
    "--from URL, which is verified in the same way"
)
FROM_A_SCRIPT = (
    "md5 as a third party's download script records it; the publisher gives none, "
    "and no second source was found"
)
