"""One proof per bound, as steps that end in the expression its theorem evaluates."""
