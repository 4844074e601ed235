"""The article's figures and what they are drawn with."""
