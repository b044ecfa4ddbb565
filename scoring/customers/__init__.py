"""The customer file: what comes in, what is refused, who a row speaks of."""
