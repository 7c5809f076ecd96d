"""What is wrong with a dataset: copies, wrong labels, broken images, imbalance, drift."""
