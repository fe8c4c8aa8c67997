"""What a user hands over: files, arrays and data sets as batches of images or vectors; views and class pairs of them."""
