"""Install requests: their states, their service, and the delivery of what they cause."""
