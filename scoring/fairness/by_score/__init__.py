"""What the histogram of a score says of each group: discrimination, calibration, distance, every cut-off."""
