"""Files: size limits for everything read, and writes that replace a file as a whole, under a lock."""
