"""EMR: the jobs as an archive, submitted, followed, and started on a cluster's driver."""
