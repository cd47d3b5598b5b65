"""What goes out with a release: a wheel that anyone can build again, byte for byte, its bill of
materials (CycloneDX) and the licences of what it needs."""
