"""Transfer functions and matrices, each with the standard it is from."""
