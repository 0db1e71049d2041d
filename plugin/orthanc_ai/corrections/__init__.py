"""What readers state about findings: who agrees and who does not, kept beside our reports, which it never changes."""
