"""What the catalogue is worth to models: orders of others' shape, sets of features, intervals."""
