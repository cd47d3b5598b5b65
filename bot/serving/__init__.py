"""What surrounds a running bot: logs, numbers, health, and an orderly end."""
