"""What stands behind `metric_frame`: names, counting of arrays, shapes and intervals as fairlearn's interface gives them."""
