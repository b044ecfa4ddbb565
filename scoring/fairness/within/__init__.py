"""Groups compared within strata: cubes of counts, decomposition, rows and sentences."""
