"""An order with canonical values, and how values become canonical."""
