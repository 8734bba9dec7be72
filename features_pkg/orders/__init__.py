"""An order with canonical values, and how the values become canonical."""
