"""X-rays: which images are analysed, how their pixels are read, and what the scores mean."""
