"""Real Java as the judge of ``bot.pki.java``."""
