"""What outlives the process: the database, its tables and migrations, the outbox, lookups kept."""
