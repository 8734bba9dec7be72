"""The page `report.html` of a model: charts and a model card, in one file that loads nothing."""

import logging

# Before it is imported: it warns where no home can be written, as in a container, and all it would
# keep there is a list of fonts, which it makes again in a moment.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
