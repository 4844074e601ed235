"""Tools that explain an answer by the input: gradients, relevances, heat maps."""
