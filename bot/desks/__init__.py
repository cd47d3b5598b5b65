"""Matrix42 desks: an install request as a ticket there."""
