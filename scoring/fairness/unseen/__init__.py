"""What was not observed: membership known by probability only, outcomes that were never seen."""
