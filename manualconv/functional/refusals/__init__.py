"""The one place that looks at what came: below it shapes are trusted.

Every error has the type and the opening words of torch's own for the same mistake, then what came, the rule with its
numbers, and the fix.  One file a family of layers.
"""
