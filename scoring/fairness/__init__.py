"""Who is shut out, and how sure one can be: counts, then arithmetic on the counts."""
