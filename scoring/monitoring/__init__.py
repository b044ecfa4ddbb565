"""After launch: the same study again on a schedule, held against the signed one; what asks for a revision; the stop switch."""
