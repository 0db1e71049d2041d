"""Labels that studies get by what was found in their X-rays."""
