"""What a customer will be worth: histories of purchases, how often they come back, what they spend."""
